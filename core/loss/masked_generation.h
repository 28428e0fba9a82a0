#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/loss/distillation_term.h"
#include "core/model/convolution.h"
#include "core/model/layer.h"

namespace distill::core {

/// The trained part of MGD for one block: "align" (1x1 convolution, only where the channel counts
/// differ) and "generation.0", "generation.2" (3x3 convolutions with a ReLU between them), all with
/// biases and PyTorch's default initialisation.
class FeatureGenerator final : public Module {
 public:
  FeatureGenerator(int64_t student_channels, int64_t teacher_channels);

  /// Returns the teacher's features as generated from the student's masked ones.
  /// `student`: [N, student_channels, H, W]; `mask`: [N, teacher_channels, 1, 1], of 0 and 1, in
  /// the student's dtype. Result: [N, teacher_channels, H, W].
  at::Tensor Forward(const at::Tensor& student, const at::Tensor& mask);

 private:
  Conv2d* align_ = nullptr;
  Sequential* generation_ = nullptr;
};

/// Masked generative distillation: sum over blocks of
/// alpha / N * ||generate(mask * align(F_s)) - F_t||_2^2, the sum being over images, channels and
/// pixels (Yang et al. 2022, "Masked generative distillation", eq. 4). As in the authors' code for
/// classification, the mask drops whole channels, each with `mask_ratio` and fresh in each step,
/// without rescaling what stays. It is drawn from the default generator of the features' device,
/// whose state a checkpoint must hold for an exact resume. In evaluation mode nothing is masked.
class MaskedGeneration final : public DistillationTerm {
 public:
  struct Options {
    std::vector<int> blocks;  // numbers 1 to 4
    double mask_ratio = 0.15;
    double alpha = 7e-5;
    OutputShape student;
    OutputShape teacher;
  };

  /// REQUIRES: both networks have the blocks, with equal height and width.
  explicit MaskedGeneration(const Options& options);

  std::string_view name() const override;
  bool needs_blocks() const override { return true; }

  /// Returns the loss of the block at place `position` of the options, before alpha, for a given
  /// mask: see FeatureGenerator::Forward().
  at::Tensor BlockLoss(size_t position, const DistillationInputs& inputs, const at::Tensor& mask);

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;
  at::Tensor DrawMask(const at::Tensor& teacher) const;

  const std::vector<int> blocks_;
  const double mask_ratio_;
  const double alpha_;
  std::vector<FeatureGenerator*> generators_;  // children, one per block
};

}  // namespace distill::core
