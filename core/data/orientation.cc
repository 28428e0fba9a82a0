#include "core/data/orientation.h"

#include <cstring>

namespace distill::core {
namespace {

// What an orientation asks for, in this order: swap rows and columns, then mirror.
struct Turn {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
};

Turn TurnOf(int orientation) {
  switch (orientation) {
    case 2:
      return {false, true, false};
    case 3:
      return {false, true, true};
    case 4:
      return {false, false, true};
    case 5:
      return {true, false, false};
    case 6:
      return {true, true, false};
    case 7:
      return {true, true, true};
    case 8:
      return {true, false, true};
    default:
      return {};
  }
}

}  // namespace

RgbImage ApplyOrientation(RgbImage image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const Turn turn = TurnOf(orientation);
  RgbImage turned =
      turn.transpose ? RgbImage(image.height, image.width) : RgbImage(image.width, image.height);
  for (int y = 0; y < turned.height; ++y) {
    const int from_y = turn.mirror_y ? turned.height - 1 - y : y;
    uint8_t* out = turned.Row(y);
    for (int x = 0; x < turned.width; ++x) {
      const int from_x = turn.mirror_x ? turned.width - 1 - x : x;
      const uint8_t* in = turn.transpose ? image.Row(from_x) + ptrdiff_t{3} * from_y
                                         : image.Row(from_y) + ptrdiff_t{3} * from_x;
      std::memcpy(out + ptrdiff_t{3} * x, in, 3);
    }
  }
  return turned;
}

}  // namespace distill::core
