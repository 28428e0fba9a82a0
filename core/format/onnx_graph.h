#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/format/safetensors_view.h"

namespace distill::onnx {
class GraphProto;
}

namespace distill::core {

/// A setting of an ONNX operator.
struct OnnxAttribute {
  std::string name;
  std::variant<int64_t, double, std::vector<int64_t>> value;
};

/// Builds an ONNX model (opset 17) node by node. It holds no weights: it names them, and
/// CompleteOnnx() puts them in. Owned by one thread.
class OnnxGraph {
 public:
  OnnxGraph();
  ~OnnxGraph();
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  /// Adds a float32 input of shape [any batch, `sizes`...].
  void AddInput(const std::string& name, const std::vector<int64_t>& sizes);

  /// Makes `value` the float32 output `name`, of shape [any batch, `sizes`...].
  void AddOutput(const std::string& name, const std::string& value,
                 const std::vector<int64_t>& sizes);

  /// Adds an operator with one output, and returns the output's name. An empty input is left out.
  std::string AddNode(const std::string& operation, const std::vector<std::string>& inputs,
                      const std::vector<OnnxAttribute>& attributes = {});

  /// Adds a float32 tensor whose values come from the weights file, under its name there. Once
  /// only, however often it is asked for. Returns `name`.
  std::string AddWeight(const std::string& name, const std::vector<int64_t>& shape);

  /// Adds a constant, a scalar or a list, and returns its name.
  std::string AddConstant(float value);
  std::string AddConstant(const std::vector<int64_t>& values);

  /// Returns the model without its weights, serialised. The same calls give the same bytes.
  std::string Serialize(const std::string& graph_name) const;

 private:
  std::string NextConstant() const;

  std::unique_ptr<onnx::GraphProto> graph_;
  std::vector<std::string> weights_;
};

/// Returns the ONNX model that `graph` (of OnnxGraph::Serialize) is with the values of `weights`,
/// whose metadata it takes over: a whole file, for any reader of ONNX.
/// kDataLoss: `graph` is damaged. kInvalidArgument: `weights` lacks a tensor of it, or has it in
/// another shape or dtype (the message names it), or the model would be over 2 GiB.
Result<std::string> CompleteOnnx(std::string_view graph, const SafetensorsView& weights);

}  // namespace distill::core
