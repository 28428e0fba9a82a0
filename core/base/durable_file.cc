#include "core/base/durable_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/fault_point.h"

namespace distill {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    descriptor_ = other.Release();
  }
  return *this;
}

int FileDescriptor::Release() { return std::exchange(descriptor_, -1); }

void FileDescriptor::Close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

namespace {

Status FailedWrite(const std::filesystem::path& path, int error_number) {
  rlimit limit{};
  if (error_number != EFBIG || ::getrlimit(RLIMIT_FSIZE, &limit) != 0) {
    return ErrnoStatus("write " + path.string(), error_number);
  }
  return {Code::kResourceExhausted,
          "write " + path.string() + ": no file may be larger than " +
              std::to_string(limit.rlim_cur) +
              " bytes (max_artifact_bytes of distilld): ask an admin for more"};
}

}  // namespace

Status WriteAll(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    FaultPoint("file.before_write");
    const bool is_torn = IsFaultDue("file.torn_write");
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size() / (is_torn ? 2 : 1));
    if (is_torn) fault::Die();
    if (written < 0) {
      if (errno == EINTR) continue;
      return FailedWrite(path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status::Ok();
}

Status ReplaceFile(const std::filesystem::path& path, std::string_view bytes, FileAccess access) {
  return ReplaceFileWith(
      path, [&](int descriptor) { return WriteAll(descriptor, bytes, path); }, access);
}

namespace {

Status WriteAndSync(const std::filesystem::path& path, const std::function<Status(int)>& write,
                    FileAccess access) {
  const mode_t mode = access == FileAccess::kOwner ? 0600 : 0666;
  FaultPoint("file.before_create");
  // Not through a link: the folder may belong to an account with less rights than ours.
  FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.is_open()) return ErrnoStatus("create " + path.string(), errno);
  DISTILL_RETURN_IF_ERROR(write(file.get()));
  FaultPoint("file.before_sync");
  if (::fsync(file.get()) != 0) return ErrnoStatus("sync " + path.string(), errno);
  return Status::Ok();
}

}  // namespace

Status ReplaceFileWith(const std::filesystem::path& path, const std::function<Status(int)>& write,
                       FileAccess access) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  Status status = WriteAndSync(temporary, write, access);
  if (status.ok()) FaultPoint("file.before_rename");
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus("rename " + temporary.string(), errno);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  FaultPoint("file.before_directory_sync");
  return SyncDirectory(path.parent_path());
}

Status SyncDirectory(const std::filesystem::path& directory) {
  const std::string name = directory.empty() ? "." : directory.string();
  const FileDescriptor descriptor(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) return ErrnoStatus("open " + name, errno);
  if (::fsync(descriptor.get()) != 0) return ErrnoStatus("sync " + name, errno);
  return Status::Ok();
}

Status ReadErrnoStatus(std::string_view action, int error_number) {
  Status status = ErrnoStatus(action, error_number);
  if (status.code() != Code::kUnavailable) return status;
  switch (error_number) {
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return {Code::kInvalidArgument, status.message()};
    case ENOMEM:
      return {Code::kResourceExhausted, status.message()};
    default:
      return {Code::kAborted, status.message()};
  }
}

Result<std::string> ReadAll(int descriptor, const std::filesystem::path& path, uint64_t max_bytes) {
  std::string content;
  std::string buffer(size_t{1} << 16U, '\0');
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ReadErrnoStatus("read " + path.string(), errno);
    if (count == 0) return content;
    content.append(buffer, 0, static_cast<size_t>(count));
    if (content.size() > max_bytes) {
      return Status(Code::kResourceExhausted, "file " + path.string() + " is larger than " +
                                                  std::to_string(max_bytes) + " bytes");
    }
  }
}

Result<std::string> ReadFile(const std::filesystem::path& path, uint64_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ReadErrnoStatus("open " + path.string(), errno);
  return ReadAll(file.get(), path, max_bytes);
}

}  // namespace distill
