#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "core/model/model.h"

namespace distill::core::testing {

/// amplitude * sin(frequency * i + phase) for the i-th element, row-major, float64.
inline at::Tensor SineWave(const std::vector<int64_t>& sizes, double amplitude, double frequency,
                           double phase) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  const at::Tensor index = at::arange(count, at::kDouble);
  return (amplitude * at::sin(index * frequency + phase)).view(sizes);
}

/// The same with a cosine.
inline at::Tensor CosineWave(const std::vector<int64_t>& sizes, double amplitude, double frequency,
                             double phase) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  const at::Tensor index = at::arange(count, at::kDouble);
  return (amplitude * at::cos(index * frequency + phase)).view(sizes);
}

// The inputs that the published golden values of the losses are for.
inline at::Tensor StudentLogits() { return SineWave({4, 5}, 2.0, 0.7, 0.1); }
inline at::Tensor TeacherLogits() { return CosineWave({4, 5}, 3.0, 0.5, 0.3); }
inline at::Tensor StudentFeatures() { return SineWave({4, 3, 4, 4}, 1.5, 0.11, 0.2); }
inline at::Tensor TeacherFeatures() { return CosineWave({4, 6, 4, 4}, 2.0, 0.07, 0.4); }
inline at::Tensor LargeTeacherFeatures() { return CosineWave({4, 6, 8, 8}, 2.0, 0.05, 0.4); }

/// An output that has nothing but block `number`.
inline ModelOutput OutputWithBlock(int number, const at::Tensor& features) {
  ModelOutput output;
  output.blocks.at(static_cast<size_t>(number - 1)) = features;
  return output;
}

/// Runs backward from `loss` and returns the L2 norm of the gradient on `leaf`.
inline double GradientNorm(const at::Tensor& loss, const at::Tensor& leaf) {
  loss.backward();
  return leaf.grad().norm().item<double>();
}

}  // namespace distill::core::testing
