#include "core/loss/features.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace distill::core {
namespace {

at::Tensor PooledTo(const at::Tensor& features, int64_t height, int64_t width) {
  if (features.size(2) == height && features.size(3) == width) return features;
  return at::adaptive_avg_pool2d(features, {height, width});
}

}  // namespace

FeaturePair PooledToSmaller(const at::Tensor& student, const at::Tensor& teacher) {
  const int64_t height = std::min(student.size(2), teacher.size(2));
  const int64_t width = std::min(student.size(3), teacher.size(3));
  return {PooledTo(student, height, width), PooledTo(teacher, height, width)};
}

}  // namespace distill::core
