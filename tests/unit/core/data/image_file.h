#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Returns an image as a PPM file (binary, 8 bits).
inline std::string EncodePpm(const RgbImage& image) {
  return "P6\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n" +
         std::string(image.pixels.begin(), image.pixels.end());
}

/// Returns a picture of one colour.
inline RgbImage EvenImage(int width, int height, uint8_t value) {
  RgbImage image(width, height);
  for (uint8_t& byte : image.pixels) byte = value;
  return image;
}

/// Writes `bytes` to `path`, making its folders.
inline Status WriteFile(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << bytes << std::flush;
  return file ? Status() : Status(Code::kUnavailable, "write " + path.string());
}

}  // namespace distill::core
