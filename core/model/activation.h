#pragma once

#include <ATen/core/Tensor.h>

namespace distill::core {

/// An element-wise function after a layer.
enum class Activation { kNone, kRelu, kRelu6, kSilu, kSigmoid, kHardSigmoid };

/// Returns `activation` of `x`, same shape, dtype and memory format. May overwrite `x`: the caller
/// must not use it again, and nothing before it may need it for its gradient.
at::Tensor Activate(const at::Tensor& x, Activation activation);

}  // namespace distill::core
