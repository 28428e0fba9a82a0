#pragma once

#include "core/data/rgb_image.h"

namespace distill::core {

// Changes of an image's tones, in place. The pixels equal those of Pillow's ImageEnhance (with
// `factor`: 1 leaves the image as it is, 0 gives the black, grey or smoothed one, above 1 goes the
// other way) and ImageOps.

/// Mixes with black.
void AdjustBrightness(double factor, RgbImage& image);
/// Mixes with the image in grey (ITU-R 601 luma).
void AdjustColor(double factor, RgbImage& image);
/// Mixes with the image's mean grey.
void AdjustContrast(double factor, RgbImage& image);
/// Mixes with the image smoothed by a 3x3 filter; its border stays as it is.
void AdjustSharpness(double factor, RgbImage& image);

/// Keeps the upper `bits` bits of each channel, 0 to 8.
void Posterize(int bits, RgbImage& image);
/// Inverts the channel values from `threshold` on.
void Solarize(double threshold, RgbImage& image);
/// Stretches each channel's values to 0..255.
void AutoContrast(RgbImage& image);
/// Spreads each channel's values so that their histogram is flat.
void Equalize(RgbImage& image);
void Invert(RgbImage& image);

}  // namespace distill::core
