#include "core/model/layer.h"

#include <ATen/ATen.h>

namespace distill::core {

at::Tensor Sequential::Forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (Layer* layer : layers_) y = layer->Forward(y);
  return y;
}

Linear::Linear(int64_t in_features, int64_t out_features)
    : weight_(AddTensor("weight", at::empty({out_features, in_features}), TensorKind::kWeight)),
      bias_(AddTensor("bias", at::zeros({out_features}), TensorKind::kBias)) {}

at::Tensor Linear::Forward(const at::Tensor& x) { return at::linear(x, weight_, bias_); }

at::Tensor Dropout::Forward(const at::Tensor& x) {
  return is_training() ? at::dropout(x, probability_, /*train=*/true) : x;
}

at::Tensor StochasticDepth(const at::Tensor& x, double drop_probability, bool is_training) {
  if (!is_training || drop_probability == 0) return x;
  const double survival = 1.0 - drop_probability;
  const at::Tensor kept = at::empty({x.size(0), 1, 1, 1}, x.options().requires_grad(false))
                              .bernoulli_(survival)
                              .div_(survival);
  return x * kept;
}

at::Tensor GlobalAveragePool(const at::Tensor& x) {
  return at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
}

}  // namespace distill::core
