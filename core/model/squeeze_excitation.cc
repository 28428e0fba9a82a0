#include "core/model/squeeze_excitation.h"

#include <ATen/ATen.h>

#include "core/model/onnx_tracer.h"

namespace distill::core {
namespace {

std::unique_ptr<Conv2d> PointwiseWithBias(int64_t in_channels, int64_t out_channels) {
  ConvOptions options;
  options.in_channels = in_channels;
  options.out_channels = out_channels;
  options.has_bias = true;
  return std::make_unique<Conv2d>(options);
}

}  // namespace

SqueezeExcitation::SqueezeExcitation(const SqueezeExcitationOptions& options)
    : reduce_(AddChild(options.reduce_name,
                       PointwiseWithBias(options.channels, options.squeezed_channels))),
      expand_(AddChild(options.expand_name,
                       PointwiseWithBias(options.squeezed_channels, options.channels))),
      activation_(options.activation),
      gate_(options.gate) {}

at::Tensor SqueezeExcitation::Forward(const at::Tensor& x) {
  const at::Tensor mean = at::adaptive_avg_pool2d(x, {1, 1});
  const at::Tensor squeezed = Activate(reduce_.Forward(mean), activation_);
  return x * Activate(expand_.Forward(squeezed), gate_);
}

std::string SqueezeExcitation::Trace(OnnxTracer& tracer, const std::string& x) const {
  const std::string mean = tracer.Node("GlobalAveragePool", {x});
  const std::string squeezed = tracer.Activate(reduce_.Trace(tracer, mean), activation_);
  return tracer.Node("Mul", {x, tracer.Activate(expand_.Trace(tracer, squeezed), gate_)});
}

}  // namespace distill::core
