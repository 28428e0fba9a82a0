#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// Sum over blocks of ||G_t - G_s||_F^2 / N^2, where G are the N x N dot products between the
/// flattened features of a batch's images, each row divided by its norm: L2 in the paper's form
/// (Tung and Mori 2019, "Similarity-preserving knowledge distillation", eq. 2 to 4), L1 in the
/// reference's. Student and teacher may differ in channels and size of the map. The value depends
/// on the batch size.
///
/// Features are divided by their largest magnitude first, which changes nothing (rows are
/// normalised) and keeps the dot products from overflowing.
class SimilarityPreserving final : public DistillationTerm {
 public:
  /// `blocks`: numbers 1 to 4.
  SimilarityPreserving(std::vector<int> blocks, LossForm form);

  std::string_view name() const override;
  bool needs_blocks() const override { return true; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const std::vector<int> blocks_;
  const LossForm form_;
};

}  // namespace distill::core
