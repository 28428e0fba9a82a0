#pragma once

#include "core/base/random.h"
#include "core/data/affine.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// The operations that the policies choose from, in torchvision's order.
enum class Operation {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
  kInvert,
};

/// Applies one operation as torchvision's automatic augmentations do to a PIL image. `magnitude`:
/// shear as the tangent (about the top left corner), translation in whole pixels (rounded towards
/// zero), rotation in degrees counter-clockwise, the change of a factor from 1 for brightness,
/// colour, contrast and sharpness, bits for posterize, threshold for solarize; the others ignore
/// it.
void ApplyOperation(Operation operation, double magnitude, Interpolation interpolation,
                    RgbImage& image);

/// Learnt for ImageNet: two operations, each with a probability, from one of 25 pairs (Cubuk et al.
/// 2019, "AutoAugment", table 9).
void AutoAugmentImageNet(Random& random, RgbImage& image);

/// `num_operations` uniform choices of 14 operations, all at `magnitude` of 0 to 30 (Cubuk et al.
/// 2020, "RandAugment").
void RandAugment(int num_operations, int magnitude, Random& random, RgbImage& image);

/// One of 14 operations at one of 31 magnitudes over wide ranges (Mueller and Hutter 2021,
/// "TrivialAugment", table 7).
void TrivialAugmentWide(Random& random, RgbImage& image);

/// Mixes the image with three chains of one to three operations (Hendrycks et al. 2020, "AugMix",
/// algorithm 1) of severity 3, alpha 1, out of 13 operations.
void AugMix(Random& random, RgbImage& image);

}  // namespace distill::core
