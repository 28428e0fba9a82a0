#include "core/model/inference_kernel.h"

#include <ATen/core/grad_mode.h>

#include "core/model/cudnn_kernel.h"
#include "core/model/onednn_kernel.h"

namespace distill::core {

bool InferenceKernel::CanRun(const at::Tensor& x) {
  const bool needs_gradient = at::GradMode::is_enabled() && x.requires_grad();
  return !needs_gradient && (x.is_cuda() ? CudnnTakes(x) : OneDnnTakes(x));
}

std::unique_ptr<InferenceKernel> InferenceKernel::Make(const Conv2d& conv, Activation activation,
                                                       const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  return x.is_cuda() ? MakeCudnnKernel(conv, activation) : MakeOneDnnKernel(conv, activation, x);
}

}  // namespace distill::core
