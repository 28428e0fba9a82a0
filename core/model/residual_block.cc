#include "core/model/residual_block.h"

#include <ATen/ATen.h>

#include <memory>
#include <tuple>

#include "core/model/onnx_tracer.h"

namespace distill::core {

ResidualBlock::ResidualBlock(const ResidualBlockOptions& options)
    : stride_(options.stride), num_new_channels_(options.out_channels - options.in_channels) {
  AddUnits(options);
  const bool keeps_size = options.stride == 1 && num_new_channels_ == 0;
  if (keeps_size || options.shortcut == Shortcut::kIdentity) return;
  const ConvOptions projection = {options.in_channels, options.out_channels, /*kernel=*/1,
                                  options.stride};
  projection_ = &AddChild(options.shortcut_name,
                          std::make_unique<ConvNormActivation>(projection, Activation::kNone));
}

void ResidualBlock::AddUnits(const ResidualBlockOptions& options) {
  const auto [in, width, out, stride] =
      std::tuple(options.in_channels, options.width, options.out_channels, options.stride);
  if (options.is_bottleneck) {
    AddUnit({in, width});
    AddUnit({width, width, /*kernel=*/3, stride});
    AddUnit({width, out});
  } else {
    AddUnit({in, width, /*kernel=*/3, stride});
    AddUnit({width, out, /*kernel=*/3});
  }
}

void ResidualBlock::AddUnit(const ConvOptions& options) {
  const std::string number = std::to_string(units_.size() + 1);
  Conv2d& conv = AddChild("conv" + number, std::make_unique<Conv2d>(options));
  BatchNorm2d& norm = AddChild("bn" + number, std::make_unique<BatchNorm2d>(options.out_channels));
  units_.emplace_back(conv, norm, Activation::kRelu);
}

at::Tensor ResidualBlock::Around(const at::Tensor& x) {
  if (projection_ != nullptr) return projection_->Forward(x);
  if (stride_ == 1 && num_new_channels_ == 0) return x;
  const at::Tensor kept = x.slice(2, 0, c10::nullopt, stride_).slice(3, 0, c10::nullopt, stride_);
  const int64_t before = num_new_channels_ / 2;
  return at::constant_pad_nd(kept, {0, 0, 0, 0, before, num_new_channels_ - before});
}

at::Tensor ResidualBlock::Forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (size_t i = 0; i + 1 < units_.size(); ++i) y = units_[i].Forward(y);
  return units_.back().ForwardAdd(y, Around(x));
}

std::string ResidualBlock::TraceAround(OnnxTracer& tracer, const std::string& x) const {
  if (projection_ != nullptr) return projection_->Trace(tracer, x);
  if (stride_ == 1 && num_new_channels_ == 0) return x;
  const int64_t before = num_new_channels_ / 2;
  return tracer.PadChannels(tracer.Subsample(x, stride_), before, num_new_channels_ - before);
}

std::string ResidualBlock::Trace(OnnxTracer& tracer, const std::string& x) const {
  std::string y = x;
  for (size_t i = 0; i + 1 < units_.size(); ++i) y = units_[i].Trace(tracer, y);
  return units_.back().Trace(tracer, y, TraceAround(tracer, x));
}

void ResidualBlock::FuseForInference() {
  Module::FuseForInference();
  for (ConvUnit& unit : units_) unit.Fuse();
}

}  // namespace distill::core
