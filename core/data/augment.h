#pragma once

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/data/augmentation.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// kInvalidArgument: an option is out of its range; the message names it and its value.
Status CheckAugmentation(const AugmentationOptions& options);

/// Changes a cropped training image as `options` ask: flip, then policy, then cut-out. All chance
/// is drawn from `random`. REQUIRES: CheckAugmentation(options) is ok.
void Augment(const AugmentationOptions& options, Random& random, RgbImage& image);

}  // namespace distill::core
