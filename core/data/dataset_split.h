#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/manifest.h"

namespace distill::core {

/// How many of a class's different images go to a split.
struct SplitSizes {
  int64_t num_val = 0;
  int64_t num_test = 0;
};

/// Returns the sizes for `num_images` different images: each share rounded to the nearest, at least
/// one where the share is not 0, and at least one image left for train; where they compete test
/// goes first.
SplitSizes SizesOfSplits(int64_t num_images, double val_fraction, double test_fraction);

/// Moves images of one class from train to val and test. `images` points to its training entries.
/// The order that decides is drawn from `seed` and each image's bytes, so that entries with the
/// same bytes stay together and names do not matter.
void SplitClass(const std::vector<ManifestEntry*>& images, double val_fraction,
                double test_fraction, uint64_t seed);

}  // namespace distill::core
