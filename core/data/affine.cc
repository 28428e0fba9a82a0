#include "core/data/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/data/orientation.h"

namespace distill::core {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Returns `value` in 16.16 fixed point.
int32_t ToFixed(double value) { return static_cast<int32_t>(std::floor(value * 65536.0 + 0.5)); }

RgbImage TransformNearest(const RgbImage& image, const AffineMatrix& m) {
  RgbImage result(image.width, image.height);
  const int32_t step_x = ToFixed(m[0]);
  const int32_t step_y = ToFixed(m[3]);
  int32_t row_x = ToFixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  int32_t row_y = ToFixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int y = 0; y < result.height; ++y) {
    uint8_t* out = result.Row(y);
    int32_t fixed_x = row_x;
    int32_t fixed_y = row_y;
    for (int x = 0; x < result.width; ++x, out += 3) {
      const int from_x = fixed_x >> 16;
      const int from_y = fixed_y >> 16;
      if (from_x >= 0 && from_x < image.width && from_y >= 0 && from_y < image.height) {
        std::memcpy(out, image.Row(from_y) + ptrdiff_t{3} * from_x, 3);
      }
      fixed_x += step_x;
      fixed_y += step_y;
    }
    row_x += ToFixed(m[1]);
    row_y += ToFixed(m[4]);
  }
  return result;
}

// Writes the mean of the four pixels around (x, y), weighted by nearness; the edge is repeated.
void SampleBilinear(const RgbImage& image, double x, double y, uint8_t* out) {
  if (x < 0 || x >= image.width || y < 0 || y >= image.height) return;
  x -= 0.5;
  y -= 0.5;
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const double share_x = x - left;
  const double share_y = y - top;
  const ptrdiff_t left_offset = ptrdiff_t{3} * std::max(left, 0);
  const ptrdiff_t right_offset = ptrdiff_t{3} * std::min(left + 1, image.width - 1);
  const uint8_t* upper = image.Row(std::max(top, 0));
  const uint8_t* lower = image.Row(std::min(top + 1, image.height - 1));
  const auto mix = [](double a, double b, double share) { return a + (b - a) * share; };
  for (int c = 0; c < 3; ++c) {
    const double above = mix(upper[left_offset + c], upper[right_offset + c], share_x);
    const double below = mix(lower[left_offset + c], lower[right_offset + c], share_x);
    out[c] = static_cast<uint8_t>(mix(above, below, share_y));
  }
}

RgbImage TransformBilinear(const RgbImage& image, const AffineMatrix& m) {
  RgbImage result(image.width, image.height);
  for (int y = 0; y < result.height; ++y) {
    uint8_t* out = result.Row(y);
    const double center_y = y + 0.5;
    for (int x = 0; x < result.width; ++x, out += 3) {
      const double center_x = x + 0.5;
      SampleBilinear(image, m[0] * center_x + m[1] * center_y + m[2],
                     m[3] * center_x + m[4] * center_y + m[5], out);
    }
  }
  return result;
}

// Pillow rounds the entries of a rotation to 15 places, so that a right angle is one.
double RoundTo15Places(double value) { return std::round(value * 1e15) / 1e15; }

}  // namespace

RgbImage TransformAffine(const RgbImage& image, const AffineMatrix& matrix,
                         Interpolation interpolation) {
  return interpolation == Interpolation::kNearest ? TransformNearest(image, matrix)
                                                  : TransformBilinear(image, matrix);
}

RgbImage Rotate(const RgbImage& image, double angle_degrees, Interpolation interpolation) {
  const double angle = angle_degrees - 360.0 * std::floor(angle_degrees / 360.0);
  const bool is_square = image.width == image.height;
  if (angle == 0) return image;
  if (angle == 180) return ApplyOrientation(image, 3);
  if (angle == 90 && is_square) return ApplyOrientation(image, 8);
  if (angle == 270 && is_square) return ApplyOrientation(image, 6);

  const double radians = -angle * kPi / 180.0;
  const double cosine = RoundTo15Places(std::cos(radians));
  const double sine = RoundTo15Places(std::sin(radians));
  const double center_x = image.width / 2.0;
  const double center_y = image.height / 2.0;
  const AffineMatrix matrix = {cosine, sine,   cosine * -center_x + sine * -center_y + center_x,
                               -sine,  cosine, -sine * -center_x + cosine * -center_y + center_y};
  return TransformAffine(image, matrix, interpolation);
}

}  // namespace distill::core
