#pragma once

#include <memory>
#include <string>

#include "core/model/activation.h"
#include "core/model/convolution.h"

namespace distill::core {

/// How a squeeze-and-excitation is built and what its two convolutions are called.
struct SqueezeExcitationOptions {
  int64_t channels = 0;
  int64_t squeezed_channels = 0;
  std::string reduce_name;
  std::string expand_name;
  Activation activation = Activation::kRelu;
  Activation gate = Activation::kSigmoid;
};

/// Scales every channel by a gate computed from all channel means (Hu et al. 2018):
/// x * gate(expand(activation(reduce(mean(x))))).
class SqueezeExcitation final : public Layer {
 public:
  explicit SqueezeExcitation(const SqueezeExcitationOptions& options);

  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;

 private:
  Conv2d& reduce_;
  Conv2d& expand_;
  Activation activation_;
  Activation gate_;
};

}  // namespace distill::core
