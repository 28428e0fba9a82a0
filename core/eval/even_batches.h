#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/model.h"

namespace distill::core {

/// Gives every batch the size of the largest before it, by black images at its end: cuDNN plans
/// each convolution anew for each size of a batch, which takes seconds a network, and an epoch's
/// last batch is smaller. For networks that look at each image by itself. Owned by one thread.
class EvenBatches {
 public:
  /// Returns what `model` makes of `images` ([batch, 3, height, width]). May throw c10::Error.
  ModelOutput Forward(Model& model, const at::Tensor& images, bool want_blocks);

 private:
  at::Tensor Fill(const at::Tensor& images);

  int64_t largest_ = 0;
};

}  // namespace distill::core
