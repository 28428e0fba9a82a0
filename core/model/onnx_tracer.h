#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/status.h"
#include "core/format/onnx_graph.h"
#include "core/model/activation.h"
#include "core/model/module.h"

namespace distill::core {

class Model;

/// What the parts of a network write themselves down with, as nodes of an ONNX graph, in
/// evaluation mode: each part's Trace() takes names of values and returns that of its result.
/// Owned by one thread.
class OnnxTracer {
 public:
  /// `root`: the network whose State() names the weights; it must outlive the tracer.
  OnnxTracer(const Module& root, int64_t image_size);

  /// The height and width of the images that the graph is for.
  int64_t image_size() const { return image_size_; }

  /// Adds an operator and returns the name of its result.
  std::string Node(const std::string& operation, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {}) {
    return graph_.AddNode(operation, inputs, attributes);
  }

  /// Returns the name of a parameter or buffer of the network; empty for an undefined tensor.
  std::string Weight(const at::Tensor& tensor);

  /// Adds `activation`; returns `x` itself where there is none.
  std::string Activate(const std::string& x, Activation activation);

  /// [batch, C, H, W] -> [batch, C]: GlobalAveragePool() of layer.h.
  std::string PoolToVector(const std::string& x);

  /// `operation`, one of the pooling operators, over windows of `kernel` x `kernel`.
  std::string Pool(const std::string& operation, const std::string& x,
                   const std::array<int64_t, 3>& kernel_stride_padding);

  /// Side by side: channels of the first, then of the second.
  std::string Concatenate(const std::string& first, const std::string& second);

  /// Channels `begin` to `end` - 1 of [batch, C, H, W].
  std::string Channels(const std::string& x, int64_t begin, int64_t end);

  /// The channels of [batch, C, H, W] in another order: the result's channel i is x's order[i].
  std::string Reorder(const std::string& x, const std::vector<int64_t>& order);

  /// Every `stride`-th row and column, from the first.
  std::string Subsample(const std::string& x, int64_t stride);

  /// [batch, C, H, W] with so many channels of zeros before and behind.
  std::string PadChannels(const std::string& x, int64_t before, int64_t behind);

  /// Notes that a part has no form in ONNX: Trace() of it returns this in place of a name.
  std::string Fail(const std::string& what);

  const Status& status() const { return status_; }
  OnnxGraph& graph() { return graph_; }

 private:
  const int64_t image_size_;
  std::unordered_map<const void*, NamedTensor> names_;
  OnnxGraph graph_;
  Status status_;
};

/// Returns the ONNX graph of `model` without its weights (OnnxGraph::Serialize; CompleteOnnx() puts
/// them in): input "images", float32 [any batch, 3, image_size, image_size], normalised; output
/// "logits", [any batch, classes]. `architecture` names the graph.
/// kUnimplemented: a part of the network has no form in ONNX; the message names it.
Result<std::string> OnnxGraphOf(const Model& model, const std::string& architecture,
                                int64_t image_size);

}  // namespace distill::core
