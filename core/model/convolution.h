#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>

#include "core/model/activation.h"
#include "core/model/inference_kernel.h"
#include "core/model/layer.h"

namespace distill::core {

/// Of a square convolution with padding (kernel - 1) / 2: stride 1 keeps height and width.
struct ConvOptions {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  bool has_bias = false;
};

/// A 2-D convolution. Starts with an undefined weight (see initialization.h) and a zero bias.
class Conv2d final : public Layer {
 public:
  explicit Conv2d(const ConvOptions& options);

  /// x: [batch, in_channels, H, W] -> [batch, out_channels, ceil(H / stride), ceil(W / stride)].
  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;

  /// Scales every output channel and adds to it: y' = y * scale + shift; scale, shift: [out],
  /// double. The weight stays under its name; a bias appears under "bias". No gradients afterwards.
  void FoldAffine(const at::Tensor& scale, const at::Tensor& shift);

  const ConvOptions& options() const { return options_; }
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }  // undefined without one

 private:
  ConvOptions options_;
  at::Tensor weight_;
  at::Tensor bias_;
};

/// What batch norms differ in between architectures.
struct NormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // of a new batch in the running statistics
};

/// Batch normalisation over batch, height and width (Ioffe & Szegedy 2015). In training it uses the
/// batch's statistics and updates the running ones; throws c10::Error where a channel has but one
/// value, whose variance is undefined.
class BatchNorm2d final : public Layer {
 public:
  explicit BatchNorm2d(int64_t channels, NormOptions options = {});

  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;

  /// Folds the running statistics into `conv`, which feeds this norm.
  void FoldInto(Conv2d& conv) const;

 private:
  void CountBatch();

  NormOptions options_;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
  at::Tensor num_batches_tracked_;  // stays on the CPU
};

/// Convolution, batch norm and activation as one step, over two layers that live in a module under
/// the names of its architecture. Both layers must outlive it. Construct it with braces where the
/// arguments register the layers: only braces evaluate them in order, and the order is the state's.
class ConvUnit final {
 public:
  ConvUnit(Conv2d& conv, BatchNorm2d& norm, Activation activation)
      : conv_(&conv), norm_(&norm), activation_(activation) {}

  /// Returns activation(norm(conv(x))).
  at::Tensor Forward(const at::Tensor& x);

  /// Returns activation(norm(conv(x)) + residual). Once fused, it may overwrite `residual`: give it
  /// no tensor that is kept. (A block output is safe: a change of scale follows it, not a sum.)
  at::Tensor ForwardAdd(const at::Tensor& x, const at::Tensor& residual);

  /// As Layer::Trace; with `residual`, what ForwardAdd() computes.
  std::string Trace(OnnxTracer& tracer, const std::string& x,
                    const std::string& residual = "") const;

  /// See Module::FuseForInference.
  void Fuse();

 private:
  /// Returns the fused kernel, or null where it is not for `x`.
  InferenceKernel* KernelFor(const at::Tensor& x);

  Conv2d* conv_;
  BatchNorm2d* norm_;  // null once it is folded into conv_
  Activation activation_;
  std::unique_ptr<InferenceKernel> kernel_;  // made at the first forward after fusing
  std::optional<at::Device> kernel_device_;  // for which that was tried
};

/// Convolution "0", batch norm "1" and an activation: torchvision's Conv2dNormActivation.
class ConvNormActivation final : public Layer {
 public:
  ConvNormActivation(const ConvOptions& options, Activation activation, NormOptions norm = {});

  at::Tensor Forward(const at::Tensor& x) override { return unit_.Forward(x); }
  /// As ConvUnit::ForwardAdd.
  at::Tensor ForwardAdd(const at::Tensor& x, const at::Tensor& residual) {
    return unit_.ForwardAdd(x, residual);
  }
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    return unit_.Trace(tracer, x);
  }
  /// As ConvUnit::Trace with a residual.
  std::string TraceAdd(OnnxTracer& tracer, const std::string& x,
                       const std::string& residual) const {
    return unit_.Trace(tracer, x, residual);
  }
  void FuseForInference() override { unit_.Fuse(); }

 private:
  ConvUnit unit_;
};

}  // namespace distill::core
