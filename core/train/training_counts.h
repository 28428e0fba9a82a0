#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/base/status.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// Counts the images of an epoch of training by class, and those of them that the network took for
/// it, on a device: adding does not wait for it, reading does. Its size grows with the classes, not
/// with their square as a MetricAccumulator's does: it goes into every checkpoint. Owned by one
/// thread.
class TrainingCounts {
 public:
  /// REQUIRES: num_classes >= 1.
  TrainingCounts(int64_t num_classes, const at::Device& device);

  /// Counts a batch. `logits`: [batch, num_classes]; the prediction is the first of the highest.
  /// `labels`: [batch], int64, in [0, num_classes). All on the device.
  void Add(const at::Tensor& logits, const at::Tensor& labels);

  struct Shares {
    double accuracy = 0;
    double mean_class_accuracy = 0;  // over the classes that have images
  };
  /// Returns what EvalMetrics calls so of the images counted; 0 without any. Waits for the device.
  Shares Read() const;

  void Reset();

  /// The counts for a checkpoint, as handles.
  NamedTensors State() const;

  /// Copies the counts of State(), or those of a MetricAccumulator, which older versions kept.
  /// kFailedPrecondition: neither, or of another number of classes; nothing has changed then.
  Status Restore(const NamedTensors& state);

 private:
  const int64_t num_classes_;
  at::Tensor images_;   // [classes], int64
  at::Tensor correct_;  // [classes], int64
};

}  // namespace distill::core
