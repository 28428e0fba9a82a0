#pragma once

#include <ATen/core/Tensor.h>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// Probabilistic knowledge transfer: mean over pairs (i, j) of a batch, the diagonal included, of
/// P_t log((P_t + 1e-7) / (P_s + 1e-7)), where P is (cos(e_i, e_j) + 1) / 2 of the embeddings e,
/// divided by its row's sum (Passalis and Tefas 2018, "Learning deep representations with
/// probabilistic knowledge transfer", eq. 3 to 5, in the form of the authors' code). Embeddings may
/// differ in length. Shrinks about as 1 / N with the batch.
class ProbabilisticTransfer final : public DistillationTerm {
 public:
  std::string_view name() const override;
  bool needs_blocks() const override { return false; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;
};

}  // namespace distill::core
