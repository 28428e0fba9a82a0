#include "core/train/gradient_shares.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace distill::core {
namespace {

// Each output that parts are taken at, once.
std::vector<at::Tensor> DistinctSeen(const std::vector<LossPart>& parts) {
  std::vector<at::Tensor> distinct;
  for (size_t i = 1; i < parts.size(); ++i) {
    const bool is_known =
        std::any_of(distinct.begin(), distinct.end(),
                    [&](const at::Tensor& tensor) { return tensor.is_same(parts[i].seen); });
    if (!is_known) distinct.push_back(parts[i].seen);
  }
  return distinct;
}

// The norm of the gradient of `value` at each of `seen`, as scalars in float32, by one pass back.
std::vector<at::Tensor> GradientNorms(const at::Tensor& value, const std::vector<at::Tensor>& seen,
                                      double scale) {
  std::vector<at::Tensor> norms(seen.size(), at::zeros({}, value.options().dtype(at::kFloat)));
  if (!value.requires_grad()) return norms;
  // Adds to the gradients of `seen` alone.
  (value * scale)._backward(seen, {}, /*retain_graph=*/true, /*create_graph=*/false);
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < seen.size(); ++i) {
    const at::Tensor gradient = seen[i].grad();
    if (!gradient.defined()) continue;
    norms[i] = gradient.to(at::kFloat).norm();
    seen[i].mutable_grad().reset();
  }
  return norms;
}

}  // namespace

at::Tensor MeasureGradientShares(const std::vector<LossPart>& parts, double scale) {
  const std::vector<at::Tensor> seen = DistinctSeen(parts);
  std::vector<std::vector<at::Tensor>> norms;  // by part and output
  for (const LossPart& part : parts) norms.push_back(GradientNorms(part.value, seen, scale));
  std::vector<at::Tensor> shares;
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto found = std::find_if(seen.begin(), seen.end(), [&](const at::Tensor& tensor) {
      return tensor.is_same(parts[i].seen);
    });
    const auto output = static_cast<size_t>(found - seen.begin());
    at::Tensor sum = norms[0][output];
    for (size_t j = 1; j < parts.size(); ++j) sum = sum + norms[j][output];
    // Of nothing, nobody has a share.
    shares.push_back(at::where(sum.gt(0), norms[i][output] / sum, at::zeros_like(sum)));
  }
  return at::stack(shares);
}

}  // namespace distill::core
