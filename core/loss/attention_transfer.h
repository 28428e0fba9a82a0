#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// Sum over blocks of the distance between attention maps. The map of an image is the mean over
/// channels of its squared features, flattened and divided by its L2 norm (Zagoruyko and Komodakis
/// 2017, "Paying more attention to attention", section 3.1, with p = 2). With d_n the difference of
/// student's and teacher's map of image n:
/// - reference form: mean over images and pixels of d^2, as the authors' own code;
/// - paper form: mean over images of ||d_n||_2 (eq. 2, less its beta / 2).
/// Where maps differ in size, features are averaged down to the smaller (adaptive pooling).
class AttentionTransfer final : public DistillationTerm {
 public:
  /// `blocks`: numbers 1 to 4.
  AttentionTransfer(std::vector<int> blocks, LossForm form);

  std::string_view name() const override;
  bool needs_blocks() const override { return true; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const std::vector<int> blocks_;
  const LossForm form_;
};

}  // namespace distill::core
