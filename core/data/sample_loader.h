#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/data/batch_source.h"
#include "core/data/image_cache.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Makes the pixels that the network sees of one image in one epoch. Thread-safe.
class SampleLoader {
 public:
  /// `entries` must outlive this object.
  SampleLoader(const std::vector<ManifestEntry>& entries, const BatchSourceOptions& options);

  /// Returns how many pictures one image gives: 1, or 10 with ten-crop.
  int64_t crops_per_image() const { return options_.ten_crop ? 10 : 1; }
  /// Returns the bytes that Load writes: crops * size * size * 3.
  int64_t bytes_per_image() const;

  /// Reads, decodes, resizes, crops and augments image `index` for `epoch`, and writes it to
  /// `output`: rows of RGB bytes. Blocks on disk.
  /// kDataLoss: the image cannot be read or decoded; the message gives its path and the cause.
  Status Load(int64_t index, int64_t epoch, uint8_t* output);

 private:
  PixelRect RegionToKeep(ImageSize resized) const;
  void WriteCrops(const RgbImage& kept, Random& random, uint8_t* output) const;
  RgbImage RandomCrop(const RgbImage& resized, Random& random) const;
  void WriteTraining(RgbImage cropped, Random& random, uint8_t* output) const;

  const std::vector<ManifestEntry>& entries_;
  const BatchSourceOptions options_;
  const int image_size_;
  const int shorter_side_;
  ImageCache cache_;
};

}  // namespace distill::core
