#pragma once

#include <array>

#include "core/data/rgb_image.h"

namespace distill::core {

enum class Interpolation { kNearest, kBilinear };

/// Maps a place (x, y) of the result to (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]) of the
/// source. Pixel centres lie at halves.
using AffineMatrix = std::array<double, 6>;

/// Returns the image drawn through `matrix`, at the same size, black where the source ends. The
/// pixels equal those of Pillow's Image.transform(size, AFFINE, matrix).
RgbImage TransformAffine(const RgbImage& image, const AffineMatrix& matrix,
                         Interpolation interpolation);

/// Returns the image turned counter-clockwise about its centre, at the same size. The pixels equal
/// those of Pillow's Image.rotate(angle).
RgbImage Rotate(const RgbImage& image, double angle_degrees, Interpolation interpolation);

}  // namespace distill::core
