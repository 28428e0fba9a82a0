#pragma once

#include <memory>

#include "core/model/inference_kernel.h"

namespace distill::core {

/// Whether cuDNN's kernels take `x`: channels_last on a GPU.
bool CudnnTakes(const at::Tensor& x);

/// Makes a kernel that holds the weights in the type in which it last computed (under autocast,
/// half precision), beside those of `conv`. As InferenceKernel::Make.
std::unique_ptr<InferenceKernel> MakeCudnnKernel(const Conv2d& conv, Activation activation);

}  // namespace distill::core
