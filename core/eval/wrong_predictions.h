#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/eval/metrics.h"

namespace distill::core {

/// Keeps the images of a pass that were taken for another class, as many as were asked for: those
/// that the network was surest of. Owned by one thread.
class WrongPredictions {
 public:
  explicit WrongPredictions(size_t limit) : limit_(limit) {}

  /// Looks at a batch. `logits`: [batch, classes], floating; `labels`: [batch], int64; `indices`:
  /// each image's position in the split. Waits for the device that they are on.
  void Add(const at::Tensor& logits, const at::Tensor& labels, const std::vector<int64_t>& indices);

  /// Returns how many images were taken for another class.
  int64_t num_wrong() const { return num_wrong_; }

  /// Returns those kept, by falling score, then by index.
  std::vector<WrongPrediction> Surest() const;

 private:
  const size_t limit_;
  int64_t num_wrong_ = 0;
  std::vector<WrongPrediction> kept_;  // a heap, the least sure on top
};

}  // namespace distill::core
