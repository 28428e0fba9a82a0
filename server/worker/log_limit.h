#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/status.h"

namespace distill::server {

/// Keeps about the last `max_bytes` of a log that another process appends to, and gives the disk
/// back of what stands before: the file keeps its length and its offsets, with a hole at the front
/// that reads as zeros. Blocks on disk. `max_bytes`: 0 = no limit.
/// kUnimplemented: the file system knows no holes. Errors of the system besides.
Status LimitLog(const std::filesystem::path& log, int64_t max_bytes);

}  // namespace distill::server
