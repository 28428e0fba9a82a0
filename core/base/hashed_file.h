#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"

namespace distill {

/// What changes with a file: another file has its name, or it was written to.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size_bytes = 0;
  int64_t modified_unix_ns = 0;
  int64_t changed_unix_ns = 0;  // of content, name or rights; no program can set it
};

bool operator==(const FileStamp& left, const FileStamp& right);

/// Returns the stamp of the file that `path` leads to, or nullopt where there is none. Blocks on
/// disk.
std::optional<FileStamp> StampOf(const std::filesystem::path& path);

/// A file that is told by its content before it is used.
struct HashedFile {
  std::string role;  // what it is to its reader, one word for each file: "teacher"
  std::filesystem::path path;
  std::string sha256;              // 64 hexadecimal digits, or "": it could not be read
  std::optional<FileStamp> stamp;  // taken before it was hashed
};

/// Hashes the bytes of the file at `path`, which must lie inside `roots` (OpenInside()), else it
/// counts as one that could not be read. Blocks on disk.
HashedFile HashFile(std::string role, std::filesystem::path path, const Roots& roots = {});

/// Returns `used`, what came of reading all of `files` after they were hashed, unless one of them
/// is no longer the file that was hashed: then the hash is not of what was read. A file that could
/// not be hashed counts as changed only if it was read after all. Blocks on disk.
/// kAborted: a file has changed; the message names it, what to do, and why reading failed where it
/// did. Reading again may help.
///
/// What it cannot notice: a second write within the same tick of the kernel's clock (a few
/// milliseconds) as the last one before the stamp, of the same size; bytes that a device or another
/// machine of a network file system changes without a word to this kernel; and writes through a
/// shared mapping before the kernel has noted them.
Status CheckUnchanged(const std::vector<HashedFile>& files, const Status& used);

}  // namespace distill
