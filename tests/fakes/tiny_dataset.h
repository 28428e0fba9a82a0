#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/random.h"

namespace distill::testing {

/// Writes class folders of small PPM images below `root`: class i is noise around a colour of its
/// own, so that a network can learn it in a few epochs. The same bytes each time.
inline void WriteTinyDataset(const std::filesystem::path& root, int num_classes,
                             int images_per_class, int size = 32) {
  for (int label = 0; label < num_classes; ++label) {
    const auto folder = root / ("class" + std::to_string(label));
    std::filesystem::create_directories(folder);
    for (int index = 0; index < images_per_class; ++index) {
      Random random = Random::For(1, static_cast<uint64_t>(label), static_cast<uint64_t>(index));
      std::ofstream file(folder / (std::to_string(index) + ".ppm"), std::ios::binary);
      file << "P6\n" << size << " " << size << "\n255\n";
      for (int pixel = 0; pixel < size * size; ++pixel) {
        for (int channel = 0; channel < 3; ++channel) {
          const uint64_t tint = channel == label % 3 ? 100 : 0;
          file.put(static_cast<char>(random.Below(150) + tint));
        }
      }
    }
  }
}

}  // namespace distill::testing
