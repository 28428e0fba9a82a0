#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

struct FeaturePair {
  at::Tensor student;
  at::Tensor teacher;
};

/// Returns the features [N, C, H, W] of both networks, the larger maps averaged down to the size of
/// the smaller (adaptive pooling).
FeaturePair PooledToSmaller(const at::Tensor& student, const at::Tensor& teacher);

}  // namespace distill::core
