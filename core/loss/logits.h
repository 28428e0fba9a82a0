#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

/// Returns (z - mean) / (std + 1e-7) of each row of `logits` [N, C], with the mean and the unbiased
/// standard deviation over the classes (Sun et al. 2024, "Logit standardization in knowledge
/// distillation", eq. 11): what is left of logits is their order and shape.
at::Tensor StandardizedLogits(const at::Tensor& logits);

/// Returns `logits` [N, C] as float32 or float64, standardised where `standardize`, divided by
/// `temperature`.
at::Tensor ScaledLogits(const at::Tensor& logits, double temperature, bool standardize);

}  // namespace distill::core
