#include "core/data/crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace distill::core {

int EnlargedSide(int image_size) { return static_cast<int>(1.1 * image_size); }

ImageSize SizeWithShorterSide(ImageSize size, int shorter_side) {
  const auto [shorter, longer] = std::minmax(size.width, size.height);
  const auto longer_side =
      static_cast<int>(static_cast<double>(int64_t{shorter_side} * longer) / shorter);
  return size.width <= size.height ? ImageSize{shorter_side, longer_side}
                                   : ImageSize{longer_side, shorter_side};
}

PixelRect CenterSquare(ImageSize size, int side) {
  const auto middle = [side](int length) {
    return static_cast<int>(std::lrint((length - side) / 2.0));
  };
  return {middle(size.width), middle(size.height), side, side};
}

PixelRect RandomSquare(ImageSize size, int side, Random& random) {
  const auto place = [side, &random](int length) {
    return static_cast<int>(random.Below(static_cast<uint64_t>(length - side) + 1));
  };
  const int y = place(size.height);
  const int x = place(size.width);
  return {x, y, side, side};
}

std::array<PixelRect, 5> FiveSquares(ImageSize size, int side) {
  const int right = size.width - side;
  const int bottom = size.height - side;
  return {PixelRect{0, 0, side, side}, PixelRect{right, 0, side, side},
          PixelRect{0, bottom, side, side}, PixelRect{right, bottom, side, side},
          CenterSquare(size, side)};
}

RgbImage Crop(const RgbImage& image, PixelRect region) {
  RgbImage cropped(region.width, region.height);
  for (int y = 0; y < region.height; ++y) {
    std::memcpy(cropped.Row(y), image.Row(region.y + y) + ptrdiff_t{3} * region.x,
                static_cast<size_t>(cropped.stride()));
  }
  return cropped;
}

RgbImage CropOrBlack(const RgbImage& image, PixelRect region) {
  RgbImage cropped(region.width, region.height);
  const int left = std::max(region.x, 0);
  const int right = std::min(region.x + region.width, image.width);
  const int top = std::max(region.y, 0);
  const int bottom = std::min(region.y + region.height, image.height);
  if (left >= right) return cropped;
  for (int y = top; y < bottom; ++y) {
    std::memcpy(cropped.Row(y - region.y) + ptrdiff_t{3} * (left - region.x),
                image.Row(y) + ptrdiff_t{3} * left, ptrdiff_t{3} * (right - left));
  }
  return cropped;
}

void MirrorHorizontally(RgbImage& image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* left = image.Row(y);
    uint8_t* right = left + image.stride() - 3;
    for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}

}  // namespace distill::core
