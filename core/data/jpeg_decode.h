#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/status.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Decodes a JPEG file (baseline, progressive, arithmetic; grey, YCbCr, RGB, CMYK and YCCK of 8
/// bits) and turns it upright by its EXIF orientation. CMYK is taken as inverted, as nearly all
/// writers store it.
/// kDataLoss: damaged, cut short (even where a part could be shown), of a kind that libjpeg does
/// not read, or of more than `max_pixels` (checked before decoding).
Result<RgbImage> DecodeJpeg(std::string_view bytes, uint64_t max_pixels);

}  // namespace distill::core
