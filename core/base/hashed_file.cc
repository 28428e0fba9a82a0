#include "core/base/hashed_file.h"

#include <sys/stat.h>

#include <tuple>
#include <utility>

#include "core/base/sha256.h"

namespace distill {
namespace {

int64_t Nanoseconds(const timespec& time) {
  constexpr int64_t kPerSecond = 1'000'000'000;
  return static_cast<int64_t>(time.tv_sec) * kPerSecond + time.tv_nsec;
}

auto FieldsOf(const FileStamp& stamp) {
  return std::tie(stamp.device, stamp.inode, stamp.size_bytes, stamp.modified_unix_ns,
                  stamp.changed_unix_ns);
}

}  // namespace

bool operator==(const FileStamp& left, const FileStamp& right) {
  return FieldsOf(left) == FieldsOf(right);
}

std::optional<FileStamp> StampOf(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileStamp{static_cast<uint64_t>(found.st_dev), static_cast<uint64_t>(found.st_ino),
                   static_cast<int64_t>(found.st_size), Nanoseconds(found.st_mtim),
                   Nanoseconds(found.st_ctim)};
}

HashedFile HashFile(std::string role, std::filesystem::path path, const Roots& roots) {
  HashedFile file{std::move(role), std::move(path), "", std::nullopt};
  const Result<FileDescriptor> open = OpenInside(file.path, roots);
  if (!open.ok()) return file;
  const std::string name = "/proc/self/fd/" + std::to_string(open->get());
  file.stamp = StampOf(name);
  const Result<std::string> hash = Sha256HexOfFile(name);
  if (hash.ok()) file.sha256 = *hash;
  return file;
}

Status CheckUnchanged(const std::vector<HashedFile>& files, const Status& used) {
  for (const HashedFile& file : files) {
    const bool is_hashed = !file.sha256.empty();
    if (is_hashed ? StampOf(file.path) == file.stamp : !used.ok()) continue;
    return {Code::kAborted, file.role +
                                ": the file changed while it was read; leave it alone until the "
                                "job runs, or write the new one beside it and rename that, and "
                                "try again: " +
                                file.path.string() +
                                (used.ok() ? "" : "; reading it failed: " + used.message())};
  }
  return used;
}

}  // namespace distill
