#pragma once

#include "core/model/module.h"

namespace distill::core {

/// Fills all convolution weights of `module` (4-D) from N(0, 2 / fan_out), fan_out = output
/// channels times kernel area (He et al. 2015, section 2.2, backward form). Draws from the default
/// generator.
void FillConvolutionsFanOut(const Module& module);

/// Fills all weights of `module` that are not of norms, and the bias that follows each, from
/// U(-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for convolutions and linear layers.
void FillUniformFanIn(const Module& module);

/// Fills `tensor` from N(0, deviation^2).
void FillNormal(const at::Tensor& tensor, double deviation);

/// Fills `tensor` from U(-bound, bound).
void FillUniform(const at::Tensor& tensor, double bound);

}  // namespace distill::core
