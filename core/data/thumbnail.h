#pragma once

#include <filesystem>
#include <string>

#include "core/base/rooted_file.h"
#include "core/base/status.h"

namespace distill::core {

/// Returns the image of a file as a small JPEG whose longer side is `longer_side` pixels (or as
/// many as it has, if fewer). Blocks on disk. Thread-safe. REQUIRES: longer_side >= 1. Errors as
/// DecodeImageFile; kInternal: it cannot be encoded.
Result<std::string> JpegThumbnail(const std::filesystem::path& path, int longer_side,
                                  const Roots& roots = {});

}  // namespace distill::core
