#include "core/loss/logits.h"

#include <ATen/ATen.h>

#include "core/loss/full_precision.h"

namespace distill::core {

at::Tensor StandardizedLogits(const at::Tensor& logits) {
  constexpr double kSmallestDeviation = 1e-7;
  const at::Tensor centred = logits - logits.mean(1, /*keepdim=*/true);
  return centred / (logits.std(1, /*unbiased=*/true, /*keepdim=*/true) + kSmallestDeviation);
}

at::Tensor ScaledLogits(const at::Tensor& logits, double temperature, bool standardize) {
  const at::Tensor lifted = LiftHalf(logits);
  return (standardize ? StandardizedLogits(lifted) : lifted) * (1.0 / temperature);
}

}  // namespace distill::core
