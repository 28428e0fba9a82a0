#pragma once

#include <memory>

#include "core/model/inference_kernel.h"

namespace distill::core {

/// Whether cuDNN's kernels take `x`: channels_last on a GPU.
bool CudnnTakes(const at::Tensor& x);

/// Makes a kernel that holds the weights in the type that `x` is computed in (under autocast, half
/// precision). Other types work later, after a conversion of the weights. As InferenceKernel::Make.
std::unique_ptr<InferenceKernel> MakeCudnnKernel(const Conv2d& conv, Activation activation);

}  // namespace distill::core
