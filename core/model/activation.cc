#include "core/model/activation.h"

#include <ATen/ATen.h>

namespace distill::core {

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  at::Tensor y = x;
  switch (activation) {
    case Activation::kNone:
      return y;
    case Activation::kRelu:
      return at::relu_(y);
    case Activation::kRelu6:
      return at::hardtanh_(y, 0, 6);
    case Activation::kSilu:
      // Its gradient needs its input: in place, autograd would copy it first.
      return x.requires_grad() ? at::silu(x) : at::silu_(y);
    case Activation::kSigmoid:
      return at::sigmoid_(y);
    case Activation::kHardSigmoid:
      return x.requires_grad() ? at::hardsigmoid(x) : at::hardsigmoid_(y);
  }
  return y;
}

}  // namespace distill::core
