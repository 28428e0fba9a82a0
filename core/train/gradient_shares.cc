#include "core/train/gradient_shares.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill::core {
namespace {

// The norm of the gradient of `value` at `seen`, as a scalar in float32.
at::Tensor GradientNorm(const at::Tensor& value, const at::Tensor& seen, double scale) {
  const at::Tensor none = at::zeros({}, seen.options().dtype(at::kFloat));
  if (!value.requires_grad()) return none;
  // Adds to the gradients of `seen` alone.
  const at::Tensor inputs[] = {seen};
  (value * scale)._backward(inputs, {}, /*retain_graph=*/true, /*create_graph=*/false);
  const at::NoGradGuard no_grad;
  const at::Tensor gradient = seen.grad();
  if (!gradient.defined()) return none;
  const at::Tensor norm = gradient.to(at::kFloat).norm();
  seen.mutable_grad().reset();
  return norm;
}

}  // namespace

at::Tensor MeasureGradientShares(const std::vector<LossPart>& parts, double scale) {
  std::vector<at::Tensor> shares;
  for (size_t i = 1; i < parts.size(); ++i) {
    at::Tensor own;
    at::Tensor sum;
    for (size_t j = 0; j < parts.size(); ++j) {
      const at::Tensor norm = GradientNorm(parts[j].value, parts[i].seen, scale);
      if (j == i) own = norm;
      sum = sum.defined() ? sum + norm : norm;
    }
    // Of nothing, nobody has a share.
    shares.push_back(at::where(sum.gt(0), own / sum, at::zeros_like(sum)));
  }
  return at::stack(shares);
}

}  // namespace distill::core
