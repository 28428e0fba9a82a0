#pragma once

#include <array>

#include "core/base/random.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// The shorter side, in pixels, that training images and ten-crop images are resized to before they
/// are cropped to `image_size`: int(1.1 * image_size).
int EnlargedSide(int image_size);

/// Returns the size whose shorter side is `shorter_side` and whose longer side keeps the ratio,
/// rounded down, as torchvision's Resize(shorter_side).
ImageSize SizeWithShorterSide(ImageSize size, int shorter_side);

/// Returns the middle square of a size, as torchvision's CenterCrop (halves round to even).
PixelRect CenterSquare(ImageSize size, int side);

/// Returns a square at a uniform place inside `size`. REQUIRES: neither side of it is under `side`.
PixelRect RandomSquare(ImageSize size, int side, Random& random);

/// Returns the squares at the four corners and the middle: top left, top right, bottom left, bottom
/// right, centre, the order of torchvision's FiveCrop.
std::array<PixelRect, 5> FiveSquares(ImageSize size, int side);

/// Returns the pixels of `region`. REQUIRES: it lies inside the image.
RgbImage Crop(const RgbImage& image, PixelRect region);

/// Returns the pixels of `region`, of which what lies outside the image is black.
RgbImage CropOrBlack(const RgbImage& image, PixelRect region);

/// Mirrors left and right in place.
void MirrorHorizontally(RgbImage& image);

}  // namespace distill::core
