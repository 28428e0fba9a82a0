#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/sha256.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Returns a picture in closed form, the one of tests/oracle/data/pillow_golden.py: values from 40
/// to 188, unlike in each channel.
inline RgbImage SyntheticImage(int width, int height) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = 40 + (x * x * (c + 1) + y * y * 3 + x * y * (c + 5) + 31 * c) % 149;
        image.Row(y)[3 * x + c] = static_cast<uint8_t>(value);
      }
    }
  }
  return image;
}

/// Returns the first 16 digits of the SHA-256 of an image's pixels.
inline std::string PixelDigest(const RgbImage& image) {
  const std::string_view bytes(reinterpret_cast<const char*>(image.pixels.data()),
                               image.pixels.size());
  return Sha256Hex(bytes).substr(0, 16);
}

}  // namespace distill::core
