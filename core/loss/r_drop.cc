#include "core/loss/r_drop.h"

#include <ATen/ATen.h>

#include "core/loss/full_precision.h"

namespace distill::core {

at::Tensor RDropPenalty(const at::Tensor& first_logits, const at::Tensor& second_logits,
                        const RDropOptions& options) {
  const AutocastOff autocast_off;
  const at::Tensor first = at::log_softmax(LiftHalf(first_logits), 1);
  const at::Tensor second = at::log_softmax(LiftHalf(second_logits), 1);
  // KL(p || q) + KL(q || p) = sum_c (p_c - q_c) * (log p_c - log q_c).
  const at::Tensor divergence = ((first.exp() - second.exp()) * (first - second)).sum();
  const double share = options.reduction == RDropReduction::kBatchMean
                           ? 1.0 / static_cast<double>(first_logits.size(0))
                           : 1.0;
  return divergence * (0.5 * options.weight * share);
}

}  // namespace distill::core
