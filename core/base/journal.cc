#include "core/base/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/crc32c.h"
#include "core/base/fault_point.h"

namespace distill {
namespace {

constexpr size_t kHeaderBytes = 8;

void PutU32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU));
  }
}

uint32_t GetU32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8U * i);
  }
  return value;
}

// Takes whole frames off the front of `bytes`. Returns how many bytes they took.
size_t TakeFrames(std::string_view bytes, std::vector<std::string>& payloads) {
  size_t taken = 0;
  while (bytes.size() - taken >= kHeaderBytes) {
    const std::string_view rest = bytes.substr(taken);
    const uint32_t length = GetU32(rest);
    if (length > kMaxJournalPayloadBytes || rest.size() - kHeaderBytes < length) break;
    const std::string_view payload = rest.substr(kHeaderBytes, length);
    if (Crc32c(payload) != GetU32(rest.substr(4))) break;
    payloads.emplace_back(payload);
    taken += kHeaderBytes + length;
  }
  return taken;
}

Result<int64_t> SizeOf(int descriptor, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return ErrnoStatus("stat " + path.string(), errno);
  return static_cast<int64_t>(info.st_size);
}

// Reads up to `count` bytes from `offset` on.
Result<std::string> ReadAt(int descriptor, int64_t offset, int64_t count,
                           const std::filesystem::path& path) {
  std::string bytes(static_cast<size_t>(count), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::pread(descriptor, bytes.data() + filled, bytes.size() - filled,
                                static_cast<off_t>(offset) + static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("read " + path.string(), errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<JournalChunk> ReadJournal(const std::filesystem::path& path, int64_t offset,
                                 int64_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus("open " + path.string(), errno);
  DISTILL_ASSIGN_OR_RETURN(const int64_t size, SizeOf(file.get(), path));
  if (offset < 0 || offset > size) {
    return Status(Code::kOutOfRange, "journal " + path.string() + " has " + std::to_string(size) +
                                         " bytes, not " + std::to_string(offset));
  }
  JournalChunk chunk;
  int64_t window = std::min(size - offset, max_bytes);
  DISTILL_ASSIGN_OR_RETURN(std::string bytes, ReadAt(file.get(), offset, window, path));
  size_t taken = TakeFrames(bytes, chunk.payloads);
  const bool first_frame_may_be_longer = taken == 0 && offset + window < size;
  if (first_frame_may_be_longer) {
    window = std::min<int64_t>(size - offset, kHeaderBytes + kMaxJournalPayloadBytes);
    DISTILL_ASSIGN_OR_RETURN(bytes, ReadAt(file.get(), offset, window, path));
    taken = TakeFrames(bytes, chunk.payloads);
  }
  chunk.next_offset = offset + static_cast<int64_t>(taken);
  const bool window_reached_end = offset + window >= size;
  chunk.has_incomplete_tail = (window_reached_end || taken == 0) && chunk.next_offset < size;
  return chunk;
}

Result<JournalAppender> JournalAppender::Open(const std::filesystem::path& path) {
  constexpr mode_t kOwnerOnly = 0600;
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerOnly));
  if (!file.is_open()) return ErrnoStatus("open " + path.string(), errno);
  int64_t end = 0;
  while (true) {
    DISTILL_ASSIGN_OR_RETURN(const JournalChunk chunk, ReadJournal(path, end));
    end = chunk.next_offset;
    if (chunk.payloads.empty() || chunk.has_incomplete_tail) break;
  }
  if (::ftruncate(file.get(), static_cast<off_t>(end)) != 0) {
    return ErrnoStatus("truncate " + path.string(), errno);
  }
  return JournalAppender(std::move(file), path, end);
}

Status JournalAppender::Append(std::string_view payload) {
  if (payload.size() > kMaxJournalPayloadBytes) {
    return {Code::kInvalidArgument,
            "journal event is too large, bytes: " + std::to_string(payload.size())};
  }
  std::string frame;
  frame.reserve(kHeaderBytes + payload.size());
  PutU32(frame, static_cast<uint32_t>(payload.size()));
  PutU32(frame, Crc32c(payload));
  frame.append(payload);
  FaultPoint("journal.before_write");
  if (IsFaultDue("journal.torn_write")) {
    static_cast<void>(WriteAll(file_.get(), frame.substr(0, frame.size() / 2), path_).ok());
    fault::Die();
  }
  Status status = WriteAll(file_.get(), frame, path_);
  if (status.ok()) {
    size_bytes_ += static_cast<int64_t>(frame.size());
  } else if (::ftruncate(file_.get(), static_cast<off_t>(size_bytes_)) != 0) {
    return status.WithContext("and the partial frame could not be cut off");
  }
  return status;
}

Status JournalAppender::Sync() {
  FaultPoint("journal.before_sync");
  if (::fdatasync(file_.get()) != 0) return ErrnoStatus("sync " + path_.string(), errno);
  return Status::Ok();
}

}  // namespace distill
