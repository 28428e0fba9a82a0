#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/model/activation.h"

namespace distill::core {

class Conv2d;

/// A convolution whose weights no longer change, with its activation, in one kernel of oneDNN or
/// cuDNN where there is one. Owned by one thread.
class InferenceKernel {
 public:
  virtual ~InferenceKernel() = default;

  /// Returns activation(conv(x)). REQUIRES, as RunAdd: CanRun(x).
  virtual at::Tensor Run(const at::Tensor& x) = 0;

  /// Returns activation(conv(x) + residual). May overwrite `residual`.
  virtual at::Tensor RunAdd(const at::Tensor& x, const at::Tensor& residual) = 0;

  /// Whether there are kernels for `x`, which must need no gradient: see onednn_kernel.h and
  /// cudnn_kernel.h.
  static bool CanRun(const at::Tensor& x);

  /// Makes the kernel of `conv` for images on the device of `x`, or null where the linked LibTorch
  /// offers none. `conv` must outlive it. REQUIRES: CanRun(x).
  static std::unique_ptr<InferenceKernel> Make(const Conv2d& conv, Activation activation,
                                               const at::Tensor& x);
};

}  // namespace distill::core
