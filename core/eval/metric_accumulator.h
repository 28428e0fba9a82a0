#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/eval/metrics.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// Counts what EvalCounts holds, batch by batch, in tensors on a device: adding does not wait for
/// it, reading does. Owned by one thread.
class MetricAccumulator {
 public:
  /// REQUIRES: num_classes >= 1.
  MetricAccumulator(int64_t num_classes, const at::Device& device);

  /// Counts a batch. `logits`: [batch, num_classes], floating; the prediction is the first of the
  /// highest. `labels`: [batch], int64, in [0, num_classes). `mean_loss`: the batch's mean loss, a
  /// scalar, or undefined for none. All on the device; no gradients are kept.
  void Add(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& mean_loss);

  /// Returns what was counted since the start. Waits for the device.
  EvalCounts Read() const;

  /// Starts anew.
  void Reset();

  /// Returns the counts as handles, for a checkpoint: what is copied into them is counted on from.
  NamedTensors State() const;

 private:
  const int64_t num_classes_;
  at::Tensor confusion_;  // [num_classes * num_classes], int64
  at::Tensor num_top5_;   // scalar, int64
  at::Tensor loss_sum_;   // scalar, float64
};

}  // namespace distill::core
