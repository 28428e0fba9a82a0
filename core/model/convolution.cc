#include "core/model/convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "core/model/onnx_tracer.h"

namespace distill::core {

Conv2d::Conv2d(const ConvOptions& options) : options_(options) {
  const int64_t in_per_group = options.in_channels / options.groups;
  weight_ = AddTensor(
      "weight", at::empty({options.out_channels, in_per_group, options.kernel, options.kernel}),
      TensorKind::kWeight);
  if (options.has_bias) {
    bias_ = AddTensor("bias", at::zeros({options.out_channels}), TensorKind::kBias);
  }
}

at::Tensor Conv2d::Forward(const at::Tensor& x) {
  const int64_t padding = (options_.kernel - 1) / 2;
  return at::conv2d(x, weight_, bias_, options_.stride, padding, /*dilation=*/1, options_.groups);
}

std::string Conv2d::Trace(OnnxTracer& tracer, const std::string& x) const {
  const int64_t padding = (options_.kernel - 1) / 2;
  const std::vector<int64_t> kernel(2, options_.kernel);
  const std::vector<int64_t> strides(2, options_.stride);
  const std::vector<int64_t> pads(4, padding);
  return tracer.Node(
      "Conv", {x, tracer.Weight(weight_), tracer.Weight(bias_)},
      {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}, {"group", options_.groups}});
}

void Conv2d::FoldAffine(const at::Tensor& scale, const at::Tensor& shift) {
  const at::NoGradGuard no_grad;
  at::Tensor bias = shift;
  if (bias_.defined()) bias = bias + bias_.to(at::kDouble) * scale;
  const at::Tensor weight = weight_.to(at::kDouble) * scale.view({-1, 1, 1, 1});
  weight_.copy_(weight);
  weight_.requires_grad_(false);
  if (bias_.defined()) {
    bias_.copy_(bias);
  } else {
    bias_ = AddTensor("bias", bias.to(weight_.scalar_type()), TensorKind::kBias);
  }
  bias_.requires_grad_(false);
}

BatchNorm2d::BatchNorm2d(int64_t channels, NormOptions options)
    : options_(options),
      weight_(AddTensor("weight", at::ones({channels}), TensorKind::kNormWeight)),
      bias_(AddTensor("bias", at::zeros({channels}), TensorKind::kBias)),
      running_mean_(AddTensor("running_mean", at::zeros({channels}), TensorKind::kBuffer)),
      running_var_(AddTensor("running_var", at::ones({channels}), TensorKind::kBuffer)),
      num_batches_tracked_(
          AddTensor("num_batches_tracked", at::zeros({}, at::kLong), TensorKind::kBuffer)) {}

at::Tensor BatchNorm2d::Forward(const at::Tensor& x) {
  if (is_training()) {
    TORCH_CHECK_VALUE(x.numel() > x.size(1),
                      "a batch norm has no statistics of one image whose map is ", x.size(2), "x",
                      x.size(3), ": take a larger --batch-size, or a larger --image-size");
    CountBatch();
  }
  return at::batch_norm(x, weight_, bias_, running_mean_, running_var_, is_training(),
                        options_.momentum, options_.epsilon,
                        at::globalContext().userEnabledCuDNN());
}

void BatchNorm2d::CountBatch() {
  if (num_batches_tracked_.is_cpu()) {
    ++*num_batches_tracked_.data_ptr<int64_t>();
  } else {
    num_batches_tracked_.add_(1);
  }
}

std::string BatchNorm2d::Trace(OnnxTracer& tracer, const std::string& x) const {
  return tracer.Node("BatchNormalization",
                     {x, tracer.Weight(weight_), tracer.Weight(bias_), tracer.Weight(running_mean_),
                      tracer.Weight(running_var_)},
                     {{"epsilon", options_.epsilon}});
}

void BatchNorm2d::FoldInto(Conv2d& conv) const {
  const at::NoGradGuard no_grad;
  const at::Tensor deviation = (running_var_.to(at::kDouble) + options_.epsilon).sqrt();
  const at::Tensor scale = weight_.to(at::kDouble) / deviation;
  conv.FoldAffine(scale, bias_.to(at::kDouble) - running_mean_.to(at::kDouble) * scale);
}

at::Tensor ConvUnit::Forward(const at::Tensor& x) {
  if (InferenceKernel* kernel = KernelFor(x)) return kernel->Run(x);
  const at::Tensor y = conv_->Forward(x);
  return Activate(norm_ == nullptr ? y : norm_->Forward(y), activation_);
}

at::Tensor ConvUnit::ForwardAdd(const at::Tensor& x, const at::Tensor& residual) {
  if (InferenceKernel* kernel = KernelFor(x)) return kernel->RunAdd(x, residual);
  at::Tensor y = conv_->Forward(x);
  if (norm_ != nullptr) y = norm_->Forward(y);
  return Activate(y.add_(residual), activation_);
}

std::string ConvUnit::Trace(OnnxTracer& tracer, const std::string& x,
                            const std::string& residual) const {
  std::string y = conv_->Trace(tracer, x);
  if (norm_ != nullptr) y = norm_->Trace(tracer, y);
  if (!residual.empty()) y = tracer.Node("Add", {y, residual});
  return tracer.Activate(y, activation_);
}

InferenceKernel* ConvUnit::KernelFor(const at::Tensor& x) {
  if (norm_ != nullptr || !InferenceKernel::CanRun(x)) return nullptr;
  if (kernel_device_ != x.device()) {
    kernel_device_ = x.device();
    kernel_ = InferenceKernel::Make(*conv_, activation_, x);
  }
  return kernel_.get();
}

void ConvUnit::Fuse() {
  if (norm_ == nullptr) return;
  norm_->FoldInto(*conv_);
  norm_ = nullptr;
}

ConvNormActivation::ConvNormActivation(const ConvOptions& options, Activation activation,
                                       NormOptions norm)
    : unit_{AddChild("0", std::make_unique<Conv2d>(options)),
            AddChild("1", std::make_unique<BatchNorm2d>(options.out_channels, norm)), activation} {}

}  // namespace distill::core
