#include "tests/unit/core/model/closed_form.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <string>

#include "core/base/plain_text.h"
#include "core/base/random.h"

namespace distill::core::testing {
namespace {

constexpr uint64_t kImageStream = 1U << 20U;

/// Returns numbers in [-1, 1) as doubles: the SplitMix64 finaliser of stream * 2^32 + index.
at::Tensor Uniform(uint64_t stream, at::IntArrayRef shape) {
  at::Tensor values = at::empty(shape, at::kDouble);
  double* data = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const uint64_t bits = MixBits((stream << 32U) + static_cast<uint64_t>(i));
    data[i] = static_cast<double>(bits >> 11U) * 0x1.0p-52 - 1.0;
  }
  return values;
}

at::Tensor Shape(const NamedTensor& entry, const at::Tensor& uniform) {
  if (entry.tensor.dim() > 1) {
    const auto rows = static_cast<double>(entry.tensor.size(0));
    return uniform * std::sqrt(6.0 * rows / static_cast<double>(entry.tensor.numel()));
  }
  if (EndsWith(entry.name, "running_var")) return uniform * 0.5 + 1.0;
  if (EndsWith(entry.name, "weight")) return uniform * 0.2 + 0.7;
  return uniform * 0.2;
}

}  // namespace

void FillByClosedForm(const Model& model) {
  const at::NoGradGuard no_grad;
  uint64_t index = 0;
  for (const NamedTensor& entry : model.State()) {
    if (!EndsWith(entry.name, "num_batches_tracked")) {
      entry.tensor.copy_(Shape(entry, Uniform(index, entry.tensor.sizes())));
    }
    ++index;
  }
}

at::Tensor ClosedFormImages(int64_t size) {
  return (Uniform(kImageStream, {2, 3, size, size}) * 2.0).to(at::kFloat);
}

double RelativeDifference(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor difference = (actual - expected).abs().max();
  return (difference / expected.abs().max()).item<double>();
}

}  // namespace distill::core::testing
