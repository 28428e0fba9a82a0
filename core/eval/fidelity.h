#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/eval/fidelity_metrics.h"
#include "core/eval/metric_accumulator.h"
#include "core/eval/teacher_ensemble.h"

namespace distill::core {

/// Compares a model's logits with those of its teachers, batch by batch, over the classes that all
/// know; several teachers are the mean of their probabilities. Owned by one thread.
class Fidelity {
 public:
  /// `teachers` must outlive this object. REQUIRES: an ensemble of mode kMeanProb.
  Fidelity(const TeacherEnsemble& teachers, int64_t num_classes, const at::Device& device);

  /// Compares a batch. `images`: normalised for the model, [batch * crops, 3, H, W]; `logits` of
  /// the model, the mean over the crops: [batch, classes]. May throw c10::Error.
  void Add(const at::Tensor& images, int64_t crops, const at::Tensor& logits,
           const at::Tensor& labels);

  /// Returns what was compared so far. Waits for the device.
  FidelityMetrics Read() const;

 private:
  const TeacherEnsemble& teachers_;
  const int64_t num_classes_;
  MetricAccumulator of_teacher_;  // its predictions against the labels
  at::Tensor agreed_;             // [classes], int64: images of the class that both take alike
  at::Tensor kl_sum_;             // scalar, float64
};

}  // namespace distill::core
