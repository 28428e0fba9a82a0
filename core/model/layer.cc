#include "core/model/layer.h"

#include <ATen/ATen.h>

#include "core/device/random_stream.h"
#include "core/model/onnx_tracer.h"

namespace distill::core {

std::string Layer::Trace(OnnxTracer& tracer, const std::string& /*x*/) const {
  return tracer.Fail("one of its layers");
}

at::Tensor Sequential::Forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (Layer* layer : layers_) y = layer->Forward(y);
  return y;
}

std::string Sequential::Trace(OnnxTracer& tracer, const std::string& x) const {
  std::string y = x;
  for (const Layer* layer : layers_) y = layer->Trace(tracer, y);
  return y;
}

Linear::Linear(int64_t in_features, int64_t out_features)
    : weight_(AddTensor("weight", at::empty({out_features, in_features}), TensorKind::kWeight)),
      bias_(AddTensor("bias", at::zeros({out_features}), TensorKind::kBias)) {}

at::Tensor Linear::Forward(const at::Tensor& x) { return at::linear(x, weight_, bias_); }

std::string Linear::Trace(OnnxTracer& tracer, const std::string& x) const {
  return tracer.Node("Gemm", {x, tracer.Weight(weight_), tracer.Weight(bias_)},
                     {{"transB", int64_t{1}}});
}

at::Tensor Dropout::Forward(const at::Tensor& x) {
  if (!is_training()) return x;
  const at::Generator& generator = StreamGenerator();
  if (!generator.defined()) return at::dropout(x, probability_, /*train=*/true);
  // The operation takes no generator. On the CPU it computes the same.
  const double survival = 1.0 - probability_;
  const at::Tensor kept = at::empty(x.sizes(), x.options().requires_grad(false))
                              .bernoulli_(survival, generator)
                              .div_(survival);
  return x * kept;
}

at::Tensor StochasticDepth(const at::Tensor& x, double drop_probability, bool is_training) {
  if (!is_training || drop_probability == 0) return x;
  const double survival = 1.0 - drop_probability;
  const at::Tensor kept = at::empty({x.size(0), 1, 1, 1}, x.options().requires_grad(false))
                              .bernoulli_(survival, StreamGenerator())
                              .div_(survival);
  return x * kept;
}

at::Tensor GlobalAveragePool(const at::Tensor& x) {
  return at::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
}

}  // namespace distill::core
