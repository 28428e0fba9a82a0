#include "core/data/augment.h"

#include <algorithm>
#include <string>

#include "core/data/augmentation_policy.h"
#include "core/data/crop.h"

namespace distill::core {
namespace {

constexpr int kMaxMagnitude = 30;
constexpr int kMaxRepeats = 100;
constexpr int kMaxCutoutLength = 4096;
constexpr int kMaxCropPadding = 1024;

void ApplyPolicy(const AugmentationOptions& options, Random& random, RgbImage& image) {
  switch (options.policy) {
    case AugmentationPolicy::kNone:
      return;
    case AugmentationPolicy::kRandAugment:
      return RandAugment(options.rand_augment_operations, options.rand_augment_magnitude, random,
                         image);
    case AugmentationPolicy::kAutoAugment:
      return AutoAugmentImageNet(random, image);
    case AugmentationPolicy::kTrivialAugmentWide:
      return TrivialAugmentWide(random, image);
    case AugmentationPolicy::kAugMix:
      return AugMix(random, image);
  }
}

// Blackens a square around a uniform centre, clipped at the border (DeVries and Taylor 2017,
// "Cutout").
void CutHole(int length, Random& random, RgbImage& image) {
  const auto center_y = static_cast<int>(random.Below(static_cast<uint64_t>(image.height)));
  const auto center_x = static_cast<int>(random.Below(static_cast<uint64_t>(image.width)));
  const int top = std::max(center_y - length / 2, 0);
  const int bottom = std::min(center_y - length / 2 + length, image.height);
  const int left = std::max(center_x - length / 2, 0);
  const int right = std::min(center_x - length / 2 + length, image.width);
  for (int y = top; y < bottom; ++y) {
    std::fill(image.Row(y) + ptrdiff_t{3} * left, image.Row(y) + ptrdiff_t{3} * right, uint8_t{0});
  }
}

Status CheckRange(const char* name, double value, double min, double max) {
  if (value >= min && value <= max) return Status::Ok();  // and not NaN
  return {Code::kInvalidArgument, std::string(name) + " is out of range: " + std::to_string(value)};
}

}  // namespace

Status CheckAugmentation(const AugmentationOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckRange("crop padding", options.crop_padding, 0, kMaxCropPadding));
  DISTILL_RETURN_IF_ERROR(CheckRange("flip probability", options.flip_probability, 0, 1));
  DISTILL_RETURN_IF_ERROR(CheckRange("cut-out holes", options.cutout_holes, 0, kMaxRepeats));
  DISTILL_RETURN_IF_ERROR(CheckRange("cut-out length", options.cutout_length, 1, kMaxCutoutLength));
  DISTILL_RETURN_IF_ERROR(
      CheckRange("RandAugment operations", options.rand_augment_operations, 0, kMaxRepeats));
  return CheckRange("RandAugment magnitude", options.rand_augment_magnitude, 0, kMaxMagnitude);
}

void Augment(const AugmentationOptions& options, Random& random, RgbImage& image) {
  if (options.flip_probability > 0 && random.Chance(options.flip_probability)) {
    MirrorHorizontally(image);
  }
  ApplyPolicy(options, random, image);
  for (int i = 0; i < options.cutout_holes; ++i) CutHole(options.cutout_length, random, image);
}

}  // namespace distill::core
