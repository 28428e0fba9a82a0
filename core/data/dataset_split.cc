#include "core/data/dataset_split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/base/random.h"

namespace distill::core {
namespace {

int64_t Share(int64_t num_images, double fraction) {
  if (fraction <= 0) return 0;
  return std::max(std::llround(static_cast<double>(num_images) * fraction), 1LL);
}

// Returns a number that depends on the seed and every digit of the hash.
uint64_t DrawRank(uint64_t seed, const std::string& sha256) {
  uint64_t rank = MixBits(seed);
  for (const char digit : sha256) rank = MixBits(rank ^ static_cast<uint64_t>(digit));
  return rank;
}

}  // namespace

SplitSizes SizesOfSplits(int64_t num_images, double val_fraction, double test_fraction) {
  const int64_t num_spare = std::max(num_images - 1, int64_t{0});
  SplitSizes sizes;
  sizes.num_test = std::min(Share(num_images, test_fraction), num_spare);
  sizes.num_val = std::min(Share(num_images, val_fraction), num_spare - sizes.num_test);
  return sizes;
}

void SplitClass(const std::vector<ManifestEntry*>& images, double val_fraction,
                double test_fraction, uint64_t seed) {
  // By rank, and by hash where two ranks should be equal.
  std::map<std::pair<uint64_t, std::string>, std::vector<ManifestEntry*>> by_rank;
  for (ManifestEntry* image : images) {
    by_rank[{DrawRank(seed, image->sha256), image->sha256}].push_back(image);
  }
  const SplitSizes sizes =
      SizesOfSplits(static_cast<int64_t>(by_rank.size()), val_fraction, test_fraction);
  int64_t position = 0;
  for (const auto& [rank, copies] : by_rank) {
    Split split = Split::kTrain;
    if (position < sizes.num_test) {
      split = Split::kTest;
    } else if (position < sizes.num_test + sizes.num_val) {
      split = Split::kVal;
    }
    for (ManifestEntry* copy : copies) copy->split = split;
    ++position;
  }
}

}  // namespace distill::core
