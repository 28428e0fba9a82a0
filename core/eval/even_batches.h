#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

/// Gives every batch the size of the largest before it, by black images at its end: cuDNN plans
/// each convolution anew for each size of a batch, which takes seconds a network, and an epoch's
/// last batch is smaller. For networks that look at each image by itself. Owned by one thread.
class EvenBatches {
 public:
  /// Returns `images` ([batch, ...]) as they are, or with zeros behind them: [largest batch, ...].
  at::Tensor Fill(const at::Tensor& images);

 private:
  int64_t largest_ = 0;
};

}  // namespace distill::core
