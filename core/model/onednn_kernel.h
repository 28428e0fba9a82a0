#pragma once

#include <memory>

#include "core/model/inference_kernel.h"

namespace distill::core {

/// Whether oneDNN's kernels take `x`: float32, channels_last, on the CPU, no autocast.
bool OneDnnTakes(const at::Tensor& x);

/// Makes a kernel that holds the weights in the layout that oneDNN likes best for images like `x`
/// (others work, more slowly), or null where the linked LibTorch offers none. As
/// InferenceKernel::Make. REQUIRES: OneDnnTakes(x).
std::unique_ptr<InferenceKernel> MakeOneDnnKernel(const Conv2d& conv, Activation activation,
                                                  const at::Tensor& x);

}  // namespace distill::core
