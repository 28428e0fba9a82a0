#include "core/model/initialization.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

namespace distill::core {

void FillConvolutionsFanOut(const Module& module) {
  for (const NamedTensor& entry : module.State()) {
    if (entry.tensor.dim() != 4) continue;
    const int64_t fan_out = entry.tensor.size(0) * entry.tensor.size(2) * entry.tensor.size(3);
    FillNormal(entry.tensor, std::sqrt(2.0 / static_cast<double>(fan_out)));
  }
}

void FillUniformFanIn(const Module& module) {
  double bound = 0;  // of the weight just before; 0: a norm's
  for (const NamedTensor& entry : module.State()) {
    if (entry.kind == TensorKind::kWeight) {
      const int64_t fan_in = entry.tensor.numel() / entry.tensor.size(0);
      bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
      FillUniform(entry.tensor, bound);
    } else if (entry.kind == TensorKind::kBias && bound > 0) {
      FillUniform(entry.tensor, bound);
    } else {
      bound = 0;
    }
  }
}

void FillNormal(const at::Tensor& tensor, double deviation) {
  const at::NoGradGuard no_grad;
  tensor.normal_(0, deviation);
}

void FillUniform(const at::Tensor& tensor, double bound) {
  const at::NoGradGuard no_grad;
  tensor.uniform_(-bound, bound);
}

}  // namespace distill::core
