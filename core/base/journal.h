#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/status.h"

namespace distill {

/// Frames of a run journal: little-endian u32 payload length, u32 CRC-32C of the payload, payload.
/// A payload is a serialised RunEvent, but nothing here looks inside.
inline constexpr uint32_t kMaxJournalPayloadBytes = 16U << 20U;

/// Appends frames to a journal file. Owned by one thread.
class JournalAppender {
 public:
  /// Opens or creates the journal at `path`. A torn or damaged tail, as a crash leaves it, is cut
  /// off first. kUnavailable, kPermissionDenied: the file cannot be opened.
  static Result<JournalAppender> Open(const std::filesystem::path& path);

  /// Appends one frame in a single write. Not yet durable: see Sync. A frame that could be written
  /// only in part is cut off again. kInvalidArgument: `payload` is over kMaxJournalPayloadBytes.
  /// kResourceExhausted: the disk is full.
  Status Append(std::string_view payload);

  /// Makes all appended frames durable. Blocks on disk.
  Status Sync();

 private:
  JournalAppender(FileDescriptor file, std::filesystem::path path, int64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_bytes_(size) {}

  FileDescriptor file_;
  std::filesystem::path path_;
  int64_t size_bytes_;
};

/// What ReadJournal found.
struct JournalChunk {
  std::vector<std::string> payloads;
  /// Where to read on: the end of the last whole frame.
  int64_t next_offset = 0;
  /// True when bytes follow `next_offset` that are no whole, undamaged frame: an append in
  /// progress, a torn tail, or damage.
  bool has_incomplete_tail = false;
};

/// Reads the whole frames from byte `offset` on, at most about `max_bytes` of them (one frame at
/// the least, if there is one). Never fails on a damaged tail: it stops before it. Blocks on disk.
/// kNotFound: no such file. kOutOfRange: `offset` is beyond the end.
Result<JournalChunk> ReadJournal(const std::filesystem::path& path, int64_t offset,
                                 int64_t max_bytes = int64_t{4} << 20U);

}  // namespace distill
