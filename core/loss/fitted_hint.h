#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/base/status.h"
#include "core/loss/distillation_term.h"
#include "core/model/convolution.h"
#include "core/model/layer.h"

namespace distill::core {

/// The convolution that takes a student's features to the teacher's channels and size, then batch
/// norm and ReLU. A student's map as large as the teacher's: 1x1; twice as large: 3x3 at stride 2;
/// half as large: transposed 4x4 at stride 2; larger by n pixels: (n + 1)x(n + 1) without padding.
class SizeFitter final : public Layer {
 public:
  /// Whether there is such a convolution between maps of these sizes.
  static bool Fits(const BlockShape& student, const BlockShape& teacher);

  /// REQUIRES: Fits(student, teacher).
  SizeFitter(const BlockShape& student, const BlockShape& teacher);

  at::Tensor Forward(const at::Tensor& x) override;

 private:
  bool is_transposed_;
  int64_t stride_;
  int64_t padding_;
  at::Tensor weight_;
  at::Tensor bias_;
  BatchNorm2d& norm_;
};

/// FitNet's hint as CRD's code has it (Tian et al. 2020, models/util.py, ConvReg): sum over blocks
/// of the mean over images, channels and pixels of (F_t - r(F_s))^2, where r is a SizeFitter,
/// trained with the student. Its batch norms use the statistics of the batch.
class FittedHint final : public DistillationTerm {
 public:
  /// `blocks`: numbers 1 to 4. REQUIRES: SizeFitter::Fits() for each.
  FittedHint(std::vector<int> blocks, const OutputShape& student, const OutputShape& teacher);

  std::string_view name() const override;
  bool needs_blocks() const override { return true; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const std::vector<int> blocks_;
  std::vector<SizeFitter*> fitters_;
};

}  // namespace distill::core
