#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

/// Expected calibration error: sum over bins of (images in bin / images) * |accuracy of the bin -
/// mean confidence of the bin|, of the predicted class's probability, in 15 bins of equal width,
/// each without its lower edge (Guo et al. 2017, "On calibration of modern neural networks", eq.
/// 3). Counts batch by batch on a device: adding does not wait for it, reading does. Owned by one
/// thread.
class CalibrationAccumulator {
 public:
  explicit CalibrationAccumulator(const at::Device& device);

  /// `logits`: [batch, classes], float32; `labels`: [batch], int64; both on the device.
  void Add(const at::Tensor& logits, const at::Tensor& labels);

  /// Returns the error, in [0, 1]; 0 when there were no images. Waits for the device.
  double Error() const;

 private:
  at::Tensor images_;      // [bins], float64
  at::Tensor correct_;     // [bins], float64
  at::Tensor confidence_;  // [bins], float64, summed up
};

}  // namespace distill::core
