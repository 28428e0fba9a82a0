#pragma once

#include <ATen/core/Tensor.h>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// Decoupled knowledge distillation: alpha * TCKD + beta * NCKD (Zhao et al. 2022, "Decoupled
/// knowledge distillation", eq. 7), with temperature T, label y and, of either network, the
/// probabilities p = softmax(z / T):
/// - TCKD = T^2 * mean over images of KL between the pairs (p_y, 1 - p_y);
/// - NCKD = T^2 * mean over images of KL between the softmax of z / T over the classes but y.
/// The divergence of SoftTarget is TCKD + (1 - p_y of the teacher) * NCKD, image by image. Needs
/// the true labels, so images must not be mixed, and at least three classes: of two, NCKD is 0.
class DecoupledDistillation final : public DistillationTerm {
 public:
  struct Options {
    double temperature = 4;
    double alpha = 1;
    double beta = 8;
    bool standardize = false;  ///< logits; see StandardizedLogits()
  };

  explicit DecoupledDistillation(const Options& options) : options_(options) {}

  std::string_view name() const override;
  bool needs_blocks() const override { return false; }
  std::optional<double> logit_temperature() const override { return options_.temperature; }
  bool needs_labels() const override { return true; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const Options options_;
};

}  // namespace distill::core
