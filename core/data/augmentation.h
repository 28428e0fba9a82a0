#pragma once

namespace distill::core {

enum class AugmentationPolicy { kNone, kRandAugment, kAutoAugment, kTrivialAugmentWide, kAugMix };

/// What is done to a training image after its random crop, in this order: flip, policy, cut-out.
struct AugmentationOptions {
  AugmentationPolicy policy = AugmentationPolicy::kNone;
  double flip_probability = 0;  // horizontal
  int cutout_holes = 0;         // black squares; 0 = off
  int cutout_length = 16;       // pixels
  int rand_augment_operations = 2;
  int rand_augment_magnitude = 9;  // 0 to 30
};

}  // namespace distill::core
