#pragma once

#include <ATen/core/Tensor.h>

#include "core/loss/distillation_term.h"

namespace distill::core {

/// Relational knowledge distillation: distance * RKD-D + angle * RKD-A over the embeddings e of a
/// batch (Park et al. 2019, "Relational knowledge distillation", eq. 5 to 9), with the Huber loss
/// of width 1, of which the mean is taken:
/// - RKD-D: over all pairs, of ||e_i - e_j|| over its mean among pairs that differ;
/// - RKD-A: over all triples, of the cosine of the angle at e_i between e_j and e_k.
/// Embeddings may differ in length. The angles take memory by the cube of the batch.
class RelationalDistillation final : public DistillationTerm {
 public:
  struct Options {
    double distance = 25;
    double angle = 50;
  };

  explicit RelationalDistillation(const Options& options) : options_(options) {}

  std::string_view name() const override;
  bool needs_blocks() const override { return false; }

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;

  const Options options_;
};

}  // namespace distill::core
