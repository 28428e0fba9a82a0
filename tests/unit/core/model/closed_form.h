#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/model.h"

namespace distill::core::testing {

/// Fills weights and buffers of `model` by the closed form of make_model_goldens.py.
void FillByClosedForm(const Model& model);

/// Returns the two images of make_model_goldens.py: [2, 3, size, size] (64; of
/// make_cifar_goldens.py: 32).
at::Tensor ClosedFormImages(int64_t size);

/// Returns the largest difference of two tensors of one shape, as a share of the largest magnitude
/// in `expected`.
double RelativeDifference(const at::Tensor& actual, const at::Tensor& expected);

}  // namespace distill::core::testing
