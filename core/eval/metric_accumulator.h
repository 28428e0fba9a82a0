#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/eval/metrics.h"

namespace distill::core {

/// Counts what EvalCounts holds, batch by batch, in tensors on a device: adding does not wait for
/// it, reading does. Owned by one thread.
class MetricAccumulator {
 public:
  /// REQUIRES: num_classes >= 1.
  MetricAccumulator(int64_t num_classes, const at::Device& device);

  /// Counts a batch. `logits`: [batch, num_classes], floating; the prediction is the first of the
  /// highest. `labels`: [batch], int64, in [0, num_classes). `loss_sums`: the batch's
  /// TaskLossSums(), or undefined for none. All on the device; no gradients are kept.
  void Add(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& loss_sums);

  /// Returns what was counted since the start. Waits for the device.
  EvalCounts Read() const;

  /// Starts anew.
  void Reset();

 private:
  const int64_t num_classes_;
  at::Tensor confusion_;  // [num_classes * num_classes], int64
  at::Tensor num_top5_;   // scalar, int64
  at::Tensor loss_sums_;  // [3], float64: see TaskLossSums()
};

}  // namespace distill::core
