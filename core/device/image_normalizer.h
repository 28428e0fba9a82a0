#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace distill::core {

/// Brings batches of byte images to a device and normalises them there: (pixel / 255 - mean) / std
/// for each channel, as torchvision's ToTensor and Normalize compute it in float32.
/// Thread-compatible: const calls may run together.
class ImageNormalizer {
 public:
  /// `std` must not be 0. `dtype`: of the result. May throw c10::Error.
  ImageNormalizer(const std::array<double, 3>& mean, const std::array<double, 3>& std,
                  const at::Device& device, at::ScalarType dtype = at::kFloat);

  /// `images`: [batch, 3, height, width], uint8, on the CPU, any memory format. Returns the same
  /// shape as `dtype` on the device, channels_last. To a GPU the bytes travel through pinned memory
  /// and this does not wait for them. May throw c10::Error.
  at::Tensor Apply(const at::Tensor& images) const;

 private:
  at::Tensor ApplyOnCpu(const at::Tensor& images) const;

  at::Device device_;
  at::ScalarType dtype_;
  at::Tensor mean_;  // [1, 3, 1, 1], float32, on the device
  at::Tensor std_;
  /// The result for each channel and byte.
  std::array<std::array<float, 256>, 3> table_{};
};

}  // namespace distill::core
