#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

enum class RDropReduction {
  kSum,        ///< over classes and batch, as the reference system: grows with the batch
  kBatchMean,  ///< over classes, mean over the batch
};

struct RDropOptions {
  double weight = 0.3;
  RDropReduction reduction = RDropReduction::kSum;
};

/// Returns weight * (KL(p || q) + KL(q || p)) / 2 of the softmaxes p and q of two forwards of the
/// same batch that differ in their dropout (Liang et al. 2021, "R-Drop", eq. 2): what is added to
/// the mean of the two task losses. Gradients flow to both.
/// `first_logits`, `second_logits`: [batch, classes]. Scalar, computed from log-probabilities in
/// float32 (float64 stays float64), whatever autocast says. May throw c10::Error.
at::Tensor RDropPenalty(const at::Tensor& first_logits, const at::Tensor& second_logits,
                        const RDropOptions& options);

}  // namespace distill::core
