#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Larger images are refused before they are decoded: a file of kilobytes can ask for gigabytes.
inline constexpr uint64_t kMaxImagePixels = 100'000'000;
/// So are images more than this many times as long as wide: resized by their shorter side they
/// would be as large.
inline constexpr int kMaxAspectRatio = 100;
inline constexpr uint64_t kMaxImageFileBytes = uint64_t{512} << 20U;

/// Decodes a JPEG, PNG, BMP, PNM, TIFF or WebP file, recognised by its content, to 8-bit RGB,
/// upright by its EXIF orientation. Grey and palette images become RGB, alpha is dropped, 16 bits
/// are cut to the upper 8. Never throws. Thread-safe.
/// kDataLoss: empty, not an image, damaged, cut short, more than kMaxImagePixels, or too elongated.
Result<RgbImage> DecodeImage(std::string_view bytes);

/// As DecodeImage, from a file, or of a picture in a file of CIFAR (core/data/cifar_file.h); every
/// message begins with the path. Blocks on disk.
/// kNotFound, kPermissionDenied, kInvalidArgument, kAborted, kResourceExhausted: as ReadFileInside,
/// with kMaxImageFileBytes as the limit.
Result<RgbImage> DecodeImageFile(const std::filesystem::path& path, const Roots& roots = {});

}  // namespace distill::core
