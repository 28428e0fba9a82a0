#pragma once

#include <ATen/core/Tensor.h>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// DIST: beta * inter + gamma * intra (Huang et al. 2022, "Knowledge distillation from a stronger
/// teacher", eq. 8 to 10), of the probabilities p = softmax(z / T) of a batch and Pearson's r
/// (1e-8 is added to its divisor, as in the authors' code):
/// - inter = 1 - mean over images of r between student's and teacher's row;
/// - intra = 1 - mean over classes of r between student's and teacher's column.
/// Reference form: times T^2, as the authors' code; paper form: as printed, without.
/// The intra term of a batch of one image is 1.
class CorrelationMatching final : public DistillationTerm {
 public:
  struct Options {
    double temperature = 1;
    double beta = 1;
    double gamma = 1;
    LossForm form = LossForm::kReference;
  };

  explicit CorrelationMatching(const Options& options) : options_(options) {}

  std::string_view name() const override;
  bool needs_blocks() const override { return false; }
  std::optional<double> logit_temperature() const override { return options_.temperature; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const Options options_;
};

}  // namespace distill::core
