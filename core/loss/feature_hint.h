#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/loss/distillation_term.h"
#include "core/model/convolution.h"

namespace distill::core {

/// FitNet's hint: sum over blocks of the mean over images, channels and pixels of
/// (F_t - r(F_s))^2, where r is a 1x1 convolution with bias to the teacher's channels, trained with
/// the student (Romero et al. 2015, "FitNets: hints for thin deep nets", eq. 3, less its 1 / 2, and
/// in one stage with the task loss). Where maps differ in size, features are averaged down to the
/// smaller (adaptive pooling).
class FeatureHint final : public DistillationTerm {
 public:
  /// `blocks`: numbers 1 to 4. The shapes are those of the networks.
  FeatureHint(std::vector<int> blocks, const OutputShape& student, const OutputShape& teacher);

  std::string_view name() const override;
  bool needs_blocks() const override { return true; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const std::vector<int> blocks_;
  std::vector<Conv2d*> regressors_;
};

}  // namespace distill::core
