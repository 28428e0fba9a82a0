#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace distill::core {

/// Width and height in pixels.
struct ImageSize {
  int width = 0;
  int height = 0;
};

inline bool operator==(ImageSize left, ImageSize right) {
  return left.width == right.width && left.height == right.height;
}

/// A rectangle of pixels; (x, y) is its top left corner.
struct PixelRect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// A picture in memory: rows from the top, three bytes (red, green, blue) a pixel, no padding.
struct RgbImage {
  RgbImage() = default;
  RgbImage(int width_pixels, int height_pixels)
      : width(width_pixels),
        height(height_pixels),
        pixels(static_cast<size_t>(width_pixels) * static_cast<size_t>(height_pixels) * 3) {}

  ImageSize size() const { return {width, height}; }
  /// Returns the bytes of one row.
  ptrdiff_t stride() const { return static_cast<ptrdiff_t>(width) * 3; }
  uint8_t* Row(int y) { return pixels.data() + y * stride(); }
  const uint8_t* Row(int y) const { return pixels.data() + y * stride(); }

  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};

}  // namespace distill::core
