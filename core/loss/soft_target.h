#pragma once

#include <ATen/core/Tensor.h>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// T^2 * (1/N) * sum_n KL(softmax(t_n / T) || softmax(s_n / T)) of teacher logits t and student
/// logits s at temperature T (Hinton et al. 2015, "Distilling the knowledge in a neural network",
/// section 2), from log-probabilities. With `standardize`, of logits by StandardizedLogits().
class SoftTarget final : public DistillationTerm {
 public:
  explicit SoftTarget(double temperature, bool standardize = false)
      : temperature_(temperature), standardize_(standardize) {}

  std::string_view name() const override;
  bool needs_blocks() const override { return false; }
  std::optional<double> logit_temperature() const override { return temperature_; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const double temperature_;
  const bool standardize_;
};

}  // namespace distill::core
