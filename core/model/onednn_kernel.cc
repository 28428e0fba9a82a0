#include "core/model/onednn_kernel.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/convolution.h"

namespace distill::core {
namespace {

using Stack = std::vector<c10::IValue>;

/// Returns the operator, or nothing where this LibTorch does not register it with `num_arguments`.
/// These operators belong to PyTorch's compiler, not to its public interface: none is linked.
std::optional<c10::OperatorHandle> FindOperator(const char* name, const char* overload,
                                                size_t num_arguments) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found.has_value() || found->schema().arguments().size() != num_arguments) return {};
  return *found;
}

c10::IValue Call(const c10::OperatorHandle& operation, Stack stack) {
  operation.callBoxed(&stack);
  return stack.front();
}

std::vector<int64_t> Pair(int64_t value) { return {value, value}; }

/// Stride, padding, dilation and groups as the operators want them.
struct Geometry {
  explicit Geometry(const ConvOptions& options)
      : stride(Pair(options.stride)),
        padding(Pair((options.kernel - 1) / 2)),
        dilation(Pair(1)),
        groups(options.groups) {}

  c10::IValue stride;
  c10::IValue padding;
  c10::IValue dilation;
  c10::IValue groups;
};

/// What LibTorch 2.x registers for its compiler: any activation, and a residual sum in place.
class PointwiseKernel final : public InferenceKernel {
 public:
  struct Operators {
    c10::OperatorHandle reorder;
    c10::OperatorHandle unary;
    c10::OperatorHandle binary;  // in place of its first argument
  };

  static std::optional<Operators> Find() {
    const auto reorder = FindOperator("mkldnn::_reorder_convolution_weight", "", 6);
    const auto unary = FindOperator("mkldnn::_convolution_pointwise", "", 10);
    const auto binary = FindOperator("mkldnn::_convolution_pointwise_", "binary", 13);
    if (!reorder || !unary || !binary) return {};
    if (binary->schema().arguments().front().name() != "other") return {};
    return Operators{*reorder, *unary, *binary};
  }

  PointwiseKernel(Operators operators, const Conv2d& conv, Activation activation,
                  const at::Tensor& x)
      : operators_(std::move(operators)),
        geometry_(conv.options()),
        bias_(conv.bias()),
        activation_(activation),
        weight_(Call(operators_.reorder, {conv.weight(), geometry_.padding, geometry_.stride,
                                          geometry_.dilation, geometry_.groups, x.sizes().vec()})) {
  }

  at::Tensor Run(const at::Tensor& x) override {
    return RunUnary(x, Name(activation_), activation_ == Activation::kRelu6);
  }

  at::Tensor RunAdd(const at::Tensor& x, const at::Tensor& residual) override {
    const bool is_relu = activation_ == Activation::kRelu;
    const bool is_fusible = is_relu || activation_ == Activation::kNone;
    if (!is_fusible || !CanRun(residual)) {
      return Activate(RunUnary(x, "none", false).add_(residual), activation_);
    }
    const c10::IValue activation = is_relu ? c10::IValue("relu") : c10::IValue();
    return Call(operators_.binary, {residual,
                                    x,
                                    weight_,
                                    bias_,
                                    geometry_.padding,
                                    geometry_.stride,
                                    geometry_.dilation,
                                    geometry_.groups,
                                    "add",
                                    1.0,
                                    activation,
                                    Scalars(false),
                                    {}})
        .toTensor();
  }

 private:
  static const char* Name(Activation activation) {
    switch (activation) {
      case Activation::kNone:
        return "none";
      case Activation::kRelu:
        return "relu";
      case Activation::kRelu6:
        return "hardtanh";
      case Activation::kSilu:
        return "swish";
      case Activation::kSigmoid:
        return "sigmoid";
      case Activation::kHardSigmoid:
        return "hardsigmoid";
    }
    return "none";
  }

  /// The bounds of ReLU6, or none.
  static c10::IValue Scalars(bool is_relu6) {
    c10::impl::GenericList scalars(c10::OptionalType::create(c10::NumberType::get()));
    if (is_relu6) {
      scalars.push_back(0.0);
      scalars.push_back(6.0);
    }
    return scalars;
  }

  at::Tensor RunUnary(const at::Tensor& x, const char* name, bool is_relu6) const {
    return Call(operators_.unary,
                {x, weight_, bias_, geometry_.padding, geometry_.stride, geometry_.dilation,
                 geometry_.groups, name, Scalars(is_relu6), ""})
        .toTensor();
  }

  Operators operators_;
  Geometry geometry_;
  at::Tensor bias_;
  Activation activation_;
  c10::IValue weight_;  // an opaque tensor
};

/// What LibTorch 1.13 registers for its script optimiser: weights in their best layout, and ReLU.
class PrepackedKernel final : public InferenceKernel {
 public:
  struct Operators {
    c10::OperatorHandle prepack;
    c10::OperatorHandle run;
  };

  static std::optional<Operators> Find() {
    const auto prepack = FindOperator("mkldnn_prepacked::conv2d_prepack", "", 8);
    const auto run = FindOperator("mkldnn_prepacked::conv2d_run", "", 2);
    if (!prepack || !run) return {};
    return Operators{*prepack, *run};
  }

  PrepackedKernel(Operators operators, const Conv2d& conv, Activation activation)
      : operators_(std::move(operators)), conv_(conv), activation_(activation) {}

  at::Tensor Run(const at::Tensor& x) override {
    const bool is_relu = activation_ == Activation::kRelu;
    if (context_.isNone()) context_ = Prepack(x, is_relu ? "relu" : "none");
    const at::Tensor y = Call(operators_.run, {x, context_}).toTensor();
    return is_relu ? y : Activate(y, activation_);
  }

  at::Tensor RunAdd(const at::Tensor& x, const at::Tensor& residual) override {
    if (context_of_add_.isNone()) context_of_add_ = Prepack(x, "none");
    const at::Tensor y = Call(operators_.run, {x, context_of_add_}).toTensor();
    return Activate(y.add_(residual), activation_);
  }

 private:
  c10::IValue Prepack(const at::Tensor& x, const char* activation) const {
    const Geometry geometry(conv_.options());
    return Call(operators_.prepack,
                {conv_.weight(), conv_.bias(), geometry.stride, geometry.padding, geometry.dilation,
                 geometry.groups, x.sizes().vec(), activation});
  }

  Operators operators_;
  const Conv2d& conv_;
  Activation activation_;
  c10::IValue context_;
  c10::IValue context_of_add_;
};

}  // namespace

bool OneDnnTakes(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         !c10::impl::tls_is_dispatch_key_included(c10::DispatchKey::AutocastCPU) &&
         at::globalContext().userEnabledMkldnn();
}

std::unique_ptr<InferenceKernel> MakeOneDnnKernel(const Conv2d& conv, Activation activation,
                                                  const at::Tensor& x) {
  if (auto operators = PointwiseKernel::Find()) {
    return std::make_unique<PointwiseKernel>(std::move(*operators), conv, activation, x);
  }
  if (auto operators = PrepackedKernel::Find()) {
    return std::make_unique<PrepackedKernel>(std::move(*operators), conv, activation);
  }
  return nullptr;
}

}  // namespace distill::core
