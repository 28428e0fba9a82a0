#pragma once

#include "core/data/rgb_image.h"

namespace distill::core {

/// Returns `image` as it is to be seen, given its EXIF orientation (1 to 8; EXIF 2.32, tag 0x0112).
/// Any other number means upright.
RgbImage ApplyOrientation(RgbImage image, int orientation);

}  // namespace distill::core
