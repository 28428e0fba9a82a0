#include "core/loss/full_precision.h"

#include <ATen/ATen.h>

namespace distill::core {

at::ScalarType LiftedType(at::ScalarType type) {
  return type == at::kHalf || type == at::kBFloat16 ? at::kFloat : type;
}

at::Tensor LiftHalf(const at::Tensor& tensor) {
  return tensor.to(LiftedType(tensor.scalar_type()));
}

}  // namespace distill::core
