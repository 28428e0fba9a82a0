#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill {

/// An open file descriptor, closed on destruction. Owned by one thread.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  int Release();
  void Close();

 private:
  int descriptor_ = -1;
};

/// Writes all of `bytes` to `descriptor`, through interruptions and short writes. Blocks.
/// `path` is only for the message.
Status WriteAll(int descriptor, std::string_view bytes, const std::filesystem::path& path);

/// Who may read a new file: its owner, or whom the process's umask lets.
enum class FileAccess { kOwner, kUmask };

/// Replaces the file at `path` with `bytes`, so that a reader, or a crash at any moment, sees the
/// old content or the new, never a part. Durable on return. Blocks on disk.
/// kResourceExhausted: the disk is full. After any failure the old file is unchanged and no
/// temporary file is left.
Status ReplaceFile(const std::filesystem::path& path, std::string_view bytes,
                   FileAccess access = FileAccess::kOwner);

/// As ReplaceFile, for content too large for one string: `write` gets the open temporary file's
/// descriptor and writes the whole content to it.
Status ReplaceFileWith(const std::filesystem::path& path,
                       const std::function<Status(int descriptor)>& write,
                       FileAccess access = FileAccess::kOwner);

/// Makes the names in `directory` durable (fsync of the directory). Blocks on disk.
Status SyncDirectory(const std::filesystem::path& directory);

/// As ErrnoStatus, for the reading of a file or folder that somebody named. EISDIR, ENOTDIR, ELOOP
/// and ENAMETOOLONG, which tell a wrong name, are kInvalidArgument, and ENOMEM kResourceExhausted.
/// All others (EIO, ESTALE, ...) are kAborted: the storage failed, and reading again may help.
Status ReadErrnoStatus(std::string_view action, int error_number);

/// Returns what `descriptor` gives until its end. `path` is only for messages. Errors as ReadFile.
Result<std::string> ReadAll(int descriptor, const std::filesystem::path& path, uint64_t max_bytes);

/// Returns the content of the file at `path`. Blocks on disk.
/// kResourceExhausted: it holds more than `max_bytes`. Further codes as ReadErrnoStatus().
Result<std::string> ReadFile(const std::filesystem::path& path,
                             uint64_t max_bytes = uint64_t{1} << 32U);

}  // namespace distill
