#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/loss/distillation_term.h"
#include "core/loss/negative_sampler.h"
#include "core/model/layer.h"

namespace distill::core {

/// Contrastive representation distillation (Tian et al. 2020, "Contrastive representation
/// distillation", eq. 17 to 19, in the form of the authors' code). Both embeddings are mapped to
/// 128 numbers of length 1 by linear layers, which are trained with the student. Each is told from
/// noise against a memory of the other network's, that holds one entry for every training image:
/// with h = exp(v . m / T) / Z for the image's own entry and for K entries of other classes,
///   loss = -mean over images of (log(h+ / (h+ + K/n)) + sum of log(K/n / (h- + K/n)))
/// summed over both directions (1e-7 is added to each divisor), n being the number of training
/// images. Z is the mean of exp(v . m / T) over the first batch, times n. After the loss the
/// entries of the batch follow, momentum * old + (1 - momentum) * new, of length 1. Memories and Z
/// are state. Reads DistillationInputs::indices and draws the K entries from `draw`, without
/// repetition where there are as many. In evaluation mode the memories stay as they are.
class ContrastiveRepresentation final : public DistillationTerm {
 public:
  struct Options {
    int64_t student_embedding = 0;  // numbers of an embedding
    int64_t teacher_embedding = 0;
    std::vector<int64_t> image_classes;  // of every training image
    int64_t num_negatives = 16384;       // K
    double temperature = 0.07;           // T
    double momentum = 0.5;
  };

  /// REQUIRES: images of at least two classes.
  explicit ContrastiveRepresentation(const Options& options);

  std::string_view name() const override;
  bool needs_blocks() const override { return false; }
  bool needs_labels() const override { return true; }

  /// Returns the loss for given entries: `contrast` [batch, 1 + K], int64, on the device, at 0 the
  /// image's own. Else as Compute().
  at::Tensor Contrast(const DistillationInputs& inputs, const at::Tensor& contrast);

 private:
  at::Tensor ComputeDetached(const DistillationInputs& inputs) override;
  at::Tensor Scores(const at::Tensor& memory, const at::Tensor& anchor, const at::Tensor& contrast,
                    int64_t normalizer);
  at::Tensor NoiseContrast(const at::Tensor& scores) const;
  void Remember(const at::Tensor& memory, const at::Tensor& values, const at::Tensor& own);

  const Options options_;
  const NegativeSampler negatives_;
  Linear* student_embedding_;
  Linear* teacher_embedding_;
  at::Tensor student_memory_;  // [images, 128]
  at::Tensor teacher_memory_;
  at::Tensor normalizers_;  // Z of the student's and of the teacher's scores; -1: not yet
};

}  // namespace distill::core
