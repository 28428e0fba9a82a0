#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace distill::core {

/// Switches autocast off on the calling thread for as long as it lives, so that losses are computed
/// in the precision of their inputs.
class AutocastOff {
 public:
  AutocastOff() : excluded_(c10::autocast_dispatch_keyset) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard excluded_;
};

/// Returns float32 for float16 and bfloat16, and any other type as it is.
at::ScalarType LiftedType(at::ScalarType type);

/// Returns `tensor` as float32 when it is float16 or bfloat16, and as it is otherwise: float64
/// stays float64. Gradients flow through.
at::Tensor LiftHalf(const at::Tensor& tensor);

}  // namespace distill::core
