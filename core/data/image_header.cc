#include "core/data/image_header.h"

#include <cctype>

#include "core/base/plain_text.h"
#include "core/data/tiff_tag.h"

namespace distill::core {
namespace {

constexpr uint64_t kTooLarge = uint64_t{1} << 32U;

// REQUIRES: the bytes are there.
uint64_t BigEndian(std::string_view bytes, size_t offset, size_t num_bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < num_bytes; ++i) {
    value = (value << 8U) | static_cast<uint8_t>(bytes[offset + i]);
  }
  return value;
}

// REQUIRES: the bytes are there.
uint64_t LittleEndian(std::string_view bytes, size_t offset, size_t num_bytes) {
  uint64_t value = 0;
  for (size_t i = num_bytes; i > 0; --i) {
    value = (value << 8U) | static_cast<uint8_t>(bytes[offset + i - 1]);
  }
  return value;
}

std::optional<StatedSize> PngSize(std::string_view bytes) {
  if (bytes.size() < 24 || bytes.substr(12, 4) != "IHDR") return std::nullopt;
  return StatedSize{BigEndian(bytes, 16, 4), BigEndian(bytes, 20, 4)};
}

std::optional<StatedSize> BmpSize(std::string_view bytes) {
  if (bytes.size() < 26) return std::nullopt;
  constexpr uint64_t kCoreHeaderBytes = 12;
  if (LittleEndian(bytes, 14, 4) == kCoreHeaderBytes) {
    return StatedSize{LittleEndian(bytes, 18, 2), LittleEndian(bytes, 20, 2)};
  }
  const auto height = static_cast<int32_t>(LittleEndian(bytes, 22, 4));  // negative: top row first
  const int64_t rows = height < 0 ? -int64_t{height} : int64_t{height};
  return StatedSize{LittleEndian(bytes, 18, 4), static_cast<uint64_t>(rows)};
}

// Reads the number at `position` after white space and comments, and moves past it.
std::optional<uint64_t> PnmNumber(std::string_view bytes, size_t& position) {
  const auto is_in = [&](auto predicate) {
    return position < bytes.size() && predicate(static_cast<unsigned char>(bytes[position])) != 0;
  };
  while (is_in([](int c) { return std::isspace(c); }) || is_in([](int c) { return c == '#'; })) {
    if (bytes[position] == '#') {
      while (is_in([](int c) { return c != '\n'; })) ++position;
    } else {
      ++position;
    }
  }
  if (!is_in([](int c) { return std::isdigit(c); })) return std::nullopt;
  uint64_t value = 0;
  while (is_in([](int c) { return std::isdigit(c); })) {
    value = value < kTooLarge ? value * 10 + static_cast<uint64_t>(bytes[position] - '0') : value;
    ++position;
  }
  return value;
}

std::optional<StatedSize> PnmSize(std::string_view bytes) {
  size_t position = 2;
  const std::optional<uint64_t> width = PnmNumber(bytes, position);
  const std::optional<uint64_t> height = PnmNumber(bytes, position);
  if (!width || !height) return std::nullopt;
  return StatedSize{*width, *height};
}

std::optional<StatedSize> TiffSize(std::string_view bytes) {
  const std::optional<uint32_t> width = FindTiffTag(bytes, kTiffImageWidth);
  const std::optional<uint32_t> height = FindTiffTag(bytes, kTiffImageHeight);
  if (!width || !height) return std::nullopt;
  return StatedSize{*width, *height};
}

std::optional<StatedSize> WebpSize(std::string_view bytes) {
  if (bytes.size() < 30) return std::nullopt;
  const std::string_view chunk = bytes.substr(12, 4);
  if (chunk == "VP8X") {
    return StatedSize{LittleEndian(bytes, 24, 3) + 1, LittleEndian(bytes, 27, 3) + 1};
  }
  constexpr uint64_t k14Bits = 0x3FFF;
  if (chunk == "VP8L") {
    const uint64_t bits = LittleEndian(bytes, 21, 4);
    return StatedSize{(bits & k14Bits) + 1, ((bits >> 14U) & k14Bits) + 1};
  }
  if (chunk == "VP8 ") {
    return StatedSize{LittleEndian(bytes, 26, 2) & k14Bits, LittleEndian(bytes, 28, 2) & k14Bits};
  }
  return std::nullopt;
}

}  // namespace

ImageFormat DetectImageFormat(std::string_view bytes) {
  if (StartsWith(bytes, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (StartsWith(bytes, "\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (StartsWith(bytes, "BM")) return ImageFormat::kBmp;
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
      (std::isspace(static_cast<unsigned char>(bytes[2])) != 0 || bytes[2] == '#')) {
    return ImageFormat::kPnm;
  }
  if (StartsWith(bytes, std::string_view("II*\0", 4)) ||
      StartsWith(bytes, std::string_view("MM\0*", 4))) {
    return ImageFormat::kTiff;
  }
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") {
    return ImageFormat::kWebp;
  }
  return ImageFormat::kUnknown;
}

std::optional<StatedSize> ReadStatedSize(ImageFormat format, std::string_view bytes) {
  switch (format) {
    case ImageFormat::kPng:
      return PngSize(bytes);
    case ImageFormat::kBmp:
      return BmpSize(bytes);
    case ImageFormat::kPnm:
      return PnmSize(bytes);
    case ImageFormat::kTiff:
      return TiffSize(bytes);
    case ImageFormat::kWebp:
      return WebpSize(bytes);
    case ImageFormat::kJpeg:
    case ImageFormat::kUnknown:
      break;
  }
  return std::nullopt;
}

}  // namespace distill::core
