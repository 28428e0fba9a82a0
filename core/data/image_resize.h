#pragma once

#include "core/data/rgb_image.h"

namespace distill::core {

/// Returns the part `region` of `source` resized to `size`, computing no more of it than that.
///
/// Bilinear with antialiasing: a triangle filter whose support grows with the reduction, first
/// along the rows and then along the columns, each rounded to 8 bits, with weights in fixed point
/// of 22 bits. The pixels equal those of Pillow's Image.resize(size, BILINEAR) followed by
/// crop(region). Thread-safe. REQUIRES: source is not empty; region is not empty and lies inside
/// `size`.
RgbImage ResizeRegion(const RgbImage& source, ImageSize size, PixelRect region);

}  // namespace distill::core
