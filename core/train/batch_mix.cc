#include "core/train/batch_mix.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/random.h"

namespace distill::core {
namespace {

constexpr uint64_t kMixStream = 0x6D69786564ULL;  // tells these draws from others of the run

double DrawNormal(Random& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.Uniform()));
  return radius * std::cos(2.0 * M_PI * random.Uniform());
}

// Returns the logarithm of a Gamma(shape, 1) variate, which for small shapes is too small for the
// variate itself to be a double (Marsaglia and Tsang 2000, "A simple method for generating gamma
// variables").
double DrawLogGamma(Random& random, double shape) {
  if (shape < 1.0) {
    const double boost = std::log(1.0 - random.Uniform()) / shape;
    return DrawLogGamma(random, shape + 1.0) + boost;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double normal = DrawNormal(random);
    const double root = 1.0 + c * normal;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double limit = 0.5 * normal * normal + d * (1.0 - v + std::log(v));
    if (std::log(1.0 - random.Uniform()) < limit) return std::log(d * v);
  }
}

// Returns a Beta(alpha, alpha) variate.
double DrawSymmetricBeta(Random& random, double alpha) {
  if (alpha == 1.0) return random.Uniform();
  const double left = DrawLogGamma(random, alpha);
  const double right = DrawLogGamma(random, alpha);
  return 1.0 / (1.0 + std::exp(right - left));
}

// Returns the partners of a batch's images: [n], int64, CPU.
at::Tensor DrawPermutation(Random& random, int64_t n) {
  at::Tensor order = at::arange(n, at::kLong);
  int64_t* values = order.data_ptr<int64_t>();
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(values[i], values[random.Below(static_cast<uint64_t>(i) + 1)]);
  }
  return order;
}

at::Tensor Reordered(const at::Tensor& images, const at::Tensor& order) {
  if (!images.is_contiguous(at::MemoryFormat::ChannelsLast)) return images.index_select(0, order);
  return images.permute({0, 2, 3, 1}).index_select(0, order).permute({0, 3, 1, 2});
}

at::Tensor Blend(const at::Tensor& images, const at::Tensor& others, double lambda) {
  if (images.is_floating_point()) return (images * lambda).add_(others, 1.0 - lambda);
  return images.to(at::kFloat).mul_(lambda).add_(others.to(at::kFloat), 1.0 - lambda);
}

// The part [begin, end) of an axis that a box covers.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t length() const { return end - begin; }
};

Span DrawSpan(Random& random, int64_t size, double share) {
  const auto half = static_cast<int64_t>(static_cast<double>(size) * share) / 2;
  const auto centre = static_cast<int64_t>(random.Below(static_cast<uint64_t>(size)));
  return {std::max<int64_t>(centre - half, 0), std::min(centre + half, size)};
}

MixedBatch Cutmix(const MixedBatch& plain, const at::Tensor& order, Random& random) {
  const double share = std::sqrt(1.0 - plain.labels.lambda);
  const int64_t height = plain.images.size(2);
  const int64_t width = plain.images.size(3);
  const Span columns = DrawSpan(random, width, share);
  const Span rows = DrawSpan(random, height, share);
  MixedBatch mixed = plain;
  mixed.images = plain.images.clone();
  const at::Tensor others = Reordered(plain.images, order);
  mixed.images.narrow(2, rows.begin, rows.length())
      .narrow(3, columns.begin, columns.length())
      .copy_(
          others.narrow(2, rows.begin, rows.length()).narrow(3, columns.begin, columns.length()));
  mixed.labels.lambda = 1.0 - static_cast<double>(rows.length() * columns.length()) /
                                  static_cast<double>(height * width);
  return mixed;
}

}  // namespace

MixedBatch MixBatch(const at::Tensor& images, const at::Tensor& labels,
                    const BatchMixOptions& options, const BatchPlace& place) {
  const at::NoGradGuard no_grad;
  MixedBatch batch;
  batch.images = images;
  batch.labels.labels = labels;
  batch.place = place;
  Random random = Random::For(place.seed, static_cast<uint64_t>(place.epoch),
                              static_cast<uint64_t>(place.step), kMixStream);
  if (options.kind == BatchMixKind::kNone || !random.Chance(options.probability)) return batch;

  batch.labels.lambda = DrawSymmetricBeta(random, options.alpha);
  const at::Tensor order =
      DrawPermutation(random, images.size(0)).to(images.device(), /*non_blocking=*/true);
  batch.labels.mixed_labels = labels.index_select(0, order);
  if (options.kind == BatchMixKind::kCutmix) return Cutmix(batch, order, random);
  batch.images = Blend(images, Reordered(images, order), batch.labels.lambda);
  return batch;
}

}  // namespace distill::core
