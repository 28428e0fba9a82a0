#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "core/model/activation.h"
#include "core/model/module.h"

namespace distill::core {

class OnnxTracer;

/// A module that maps one tensor to one tensor.
class Layer : public Module {
 public:
  /// May throw c10::Error. Gradients flow.
  virtual at::Tensor Forward(const at::Tensor& x) = 0;

  /// Writes what Forward() computes in evaluation mode into an ONNX graph (onnx_tracer.h), for the
  /// value named `x`, and returns the name of the result. A layer that has none of its own has no
  /// ONNX form: the tracer fails.
  virtual std::string Trace(OnnxTracer& tracer, const std::string& x) const;
};

/// Layers one after the other; its children are numbered from 0. Thread use as Module's.
class Sequential final : public Layer {
 public:
  /// Adds `layer` under the next number and returns it.
  template <typename T>
  T& Append(std::unique_ptr<T> layer) {
    layers_.push_back(layer.get());
    return AddChild(std::to_string(children().size()), std::move(layer));
  }

  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;

  /// Returns the layers in order.
  const std::vector<Layer*>& layers() const { return layers_; }

 private:
  std::vector<Layer*> layers_;
};

/// y = x W^T + b. Starts with an undefined weight (see initialization.h) and a zero bias.
class Linear final : public Layer {
 public:
  Linear(int64_t in_features, int64_t out_features);

  /// x: [batch, in_features] -> [batch, out_features].
  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;

  const at::Tensor& weight() const { return weight_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// Sets elements to zero with `probability` and scales the others by 1 / (1 - probability); the
/// identity in evaluation. Has no tensors.
class Dropout final : public Layer {
 public:
  explicit Dropout(double probability) : probability_(probability) {}

  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer&, const std::string& x) const override { return x; }

 private:
  double probability_;
};

/// Drops whole images' `x` with `drop_probability` and scales the others by 1 / (1 - p): stochastic
/// depth in row mode (Huang et al. 2016). The identity in evaluation. x: [batch, C, H, W].
at::Tensor StochasticDepth(const at::Tensor& x, double drop_probability, bool is_training);

/// Mean over height and width: [batch, C, H, W] -> [batch, C].
at::Tensor GlobalAveragePool(const at::Tensor& x);

}  // namespace distill::core
