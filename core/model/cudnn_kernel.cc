#include "core/model/cudnn_kernel.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <vector>

#include "core/device/amp.h"
#include "core/model/convolution.h"

namespace distill::core {
namespace {

/// What LibTorch computes in passes of their own, bias, sum and ReLU, cuDNN does as it writes a
/// convolution's result. What it does not fuse, a matrix product with a bias or a plain convolution
/// does.
class CudnnKernel final : public InferenceKernel {
 public:
  CudnnKernel(const Conv2d& conv, Activation activation)
      : conv_(conv),
        activation_(activation),
        stride_(2, conv.options().stride),
        padding_(2, (conv.options().kernel - 1) / 2),
        can_fuse_(activation == Activation::kRelu && conv.options().groups == 1) {}

  at::Tensor Run(const at::Tensor& x) override {
    const at::Tensor input = Prepared(x);
    if (can_fuse_) {
      at::Tensor y = Fused([&] {
        return at::cudnn_convolution_relu(input, weight_, bias_, stride_, padding_, {1, 1}, 1);
      });
      if (y.defined()) return y;
    }
    return Activate(Plain(input), activation_);
  }

  at::Tensor RunAdd(const at::Tensor& x, const at::Tensor& residual) override {
    const at::Tensor input = Prepared(x);
    const at::Tensor sum =
        residual.to(input.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    if (can_fuse_) {
      at::Tensor y = Fused([&] {
        return at::cudnn_convolution_add_relu(input, weight_, sum, 1.0, bias_, stride_, padding_,
                                              {1, 1}, 1);
      });
      if (y.defined()) return y;
    }
    return Activate(Plain(input).add_(sum), activation_);
  }

 private:
  /// Returns `x` in the type to compute in, and has the weights in it.
  at::Tensor Prepared(const at::Tensor& x) {
    const at::ScalarType type = ComputeType(x);
    if (!weight_.defined() || weight_.scalar_type() != type) {
      weight_ = conv_.weight().detach().to(type).contiguous(at::MemoryFormat::ChannelsLast);
      bias_ = conv_.bias().detach().to(type);
    }
    return x.to(type);
  }

  /// Returns what `run` does, or nothing where cuDNN has no such kernel, and does not try again.
  template <typename Function>
  at::Tensor Fused(const Function& run) {
    try {
      return run();
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error&) {
      can_fuse_ = false;
      return {};
    }
  }

  at::Tensor Plain(const at::Tensor& x) const {
    const ConvOptions& options = conv_.options();
    if (options.kernel == 1 && options.groups == 1) return AsMatrixProduct(x);
    return at::conv2d(x, weight_, bias_, options.stride, padding_, /*dilation=*/1, options.groups);
  }

  /// A convolution of single pixels, with the bias added by the same kernel.
  at::Tensor AsMatrixProduct(const at::Tensor& x) const {
    const int64_t stride = conv_.options().stride;
    const at::Tensor taken =
        stride == 1 ? x : x.slice(2, 0, c10::nullopt, stride).slice(3, 0, c10::nullopt, stride);
    const at::Tensor pixels = taken.permute({0, 2, 3, 1}).contiguous();
    return at::linear(pixels, weight_.flatten(1), bias_).permute({0, 3, 1, 2});
  }

  const Conv2d& conv_;
  const Activation activation_;
  const std::vector<int64_t> stride_;
  const std::vector<int64_t> padding_;
  bool can_fuse_;
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace

bool CudnnTakes(const at::Tensor& x) {
  return x.is_cuda() && x.is_floating_point() && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         at::globalContext().userEnabledCuDNN();
}

std::unique_ptr<InferenceKernel> MakeCudnnKernel(const Conv2d& conv, Activation activation) {
  return std::make_unique<CudnnKernel>(conv, activation);
}

}  // namespace distill::core
