#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace distill::core {

/// The file formats that are read. The content decides, never the file's name.
enum class ImageFormat { kUnknown, kJpeg, kPng, kBmp, kPnm, kTiff, kWebp };

/// Returns the format by the first bytes of a file.
ImageFormat DetectImageFormat(std::string_view bytes);

/// Width and height as a file states them.
struct StatedSize {
  uint64_t width = 0;
  uint64_t height = 0;
};

/// Returns the size in the header of a PNG, BMP, PNM, TIFF or WebP file without decoding it, or
/// nullopt where the header is cut short or damaged. (JPEG's decoder reads its own header.)
std::optional<StatedSize> ReadStatedSize(ImageFormat format, std::string_view bytes);

}  // namespace distill::core
