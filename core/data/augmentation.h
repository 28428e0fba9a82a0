#pragma once

namespace distill::core {

enum class AugmentationPolicy { kNone, kRandAugment, kAutoAugment, kTrivialAugmentWide, kAugMix };

/// What is done to a training image: a random crop, then, in this order, flip, policy, cut-out.
struct AugmentationOptions {
  /// Above 0: the crop is from the picture at the network's size with a black border of so many
  /// pixels on each side. 0: from the picture enlarged by a tenth.
  int crop_padding = 0;
  AugmentationPolicy policy = AugmentationPolicy::kNone;
  double flip_probability = 0;  // horizontal
  int cutout_holes = 0;         // black squares; 0 = off
  int cutout_length = 16;       // pixels
  int rand_augment_operations = 2;
  int rand_augment_magnitude = 9;  // 0 to 30
};

}  // namespace distill::core
