#include "core/model/activation.h"

#include <ATen/ATen.h>

namespace distill::core {
namespace {

at::Tensor Relu6(at::Tensor& x) {
  // LibTorch 1.13 has no gradient of it in bfloat16 on the CPU. Values and gradients are the same
  // this way: float32 holds every bfloat16.
  if (x.requires_grad() && x.is_cpu() && x.scalar_type() == at::kBFloat16) {
    return at::hardtanh(x.to(at::kFloat), 0, 6).to(at::kBFloat16);
  }
  // As with SiLU below.
  return x.requires_grad() ? at::hardtanh(x, 0, 6) : at::hardtanh_(x, 0, 6);
}

}  // namespace

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  at::Tensor y = x;
  switch (activation) {
    case Activation::kNone:
      return y;
    case Activation::kRelu:
      return at::relu_(y);
    case Activation::kRelu6:
      return Relu6(y);
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
