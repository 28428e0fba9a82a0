#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/status.h"

namespace distill {

/// Folders, absolute, that files may be read from. Where it is empty, they may lie anywhere.
using Roots = std::vector<std::filesystem::path>;

/// Returns whether `real`, a path without links and dots, is one of `roots` or lies in one, links
/// in the roots resolved. False where there is no root. Blocks on disk.
bool IsInside(const std::filesystem::path& real, const Roots& roots);

/// Opens the regular file that `path` leads to, for reading. Links are followed, and what counts is
/// where the open file really lies, so that nothing can be put in its place after the check. Never
/// waits for a pipe's other end. Needs /proc where there are roots. Blocks on disk.
///
/// kPermissionDenied: it lies outside `roots`, and so does a path at which there is nothing.
/// kInvalidArgument: it is no regular file. Further codes as ReadErrnoStatus(). The message begins
/// with or names `path`, and tells nothing of what lies outside.
Result<FileDescriptor> OpenInside(const std::filesystem::path& path, const Roots& roots);

/// Returns the content of the file that OpenInside() opens; its errors. Blocks on disk.
/// kResourceExhausted: it holds more than `max_bytes`.
Result<std::string> ReadFileInside(const std::filesystem::path& path, const Roots& roots,
                                   uint64_t max_bytes);

}  // namespace distill
