#include "core/format/onnx_graph.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "core/base/version.h"
#include "distill/onnx/model.pb.h"

namespace distill::core {
namespace {

constexpr int64_t kIrVersion = 8;  // that of opset 17
constexpr int64_t kOpset = 17;
constexpr char kWeightsFile[] = "best.safetensors";

void SetType(const std::vector<int64_t>& sizes, onnx::ValueInfoProto& value) {
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  for (const int64_t size : sizes) type.mutable_shape()->add_dim()->set_dim_value(size);
}

void SetAttribute(const OnnxAttribute& from, onnx::AttributeProto& to) {
  to.set_name(from.name);
  if (const auto* integer = std::get_if<int64_t>(&from.value)) {
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(*integer);
  } else if (const auto* number = std::get_if<double>(&from.value)) {
    to.set_type(onnx::AttributeProto::FLOAT);
    to.set_f(static_cast<float>(*number));
  } else {
    to.set_type(onnx::AttributeProto::INTS);
    for (const int64_t i : std::get<std::vector<int64_t>>(from.value)) to.add_ints(i);
  }
}

bool HasShape(const onnx::TensorProto& tensor, const std::vector<int64_t>& shape) {
  return std::equal(tensor.dims().begin(), tensor.dims().end(), shape.begin(), shape.end());
}

Status FillIn(const StoredTensor& from, onnx::TensorProto& to) {
  if (from.dtype != "F32" || !HasShape(to, from.shape)) {
    return {Code::kInvalidArgument,
            "the weights have tensor " + from.name + " in another shape or dtype than the graph"};
  }
  to.set_raw_data(from.data.data(), from.data.size());
  to.clear_external_data();
  to.clear_data_location();
  return Status::Ok();
}

}  // namespace

OnnxGraph::OnnxGraph() : graph_(std::make_unique<onnx::GraphProto>()) {}
OnnxGraph::~OnnxGraph() = default;

void OnnxGraph::AddInput(const std::string& name, const std::vector<int64_t>& sizes) {
  onnx::ValueInfoProto& input = *graph_->add_input();
  input.set_name(name);
  SetType(sizes, input);
}

void OnnxGraph::AddOutput(const std::string& name, const std::string& value,
                          const std::vector<int64_t>& sizes) {
  onnx::NodeProto& node = *graph_->add_node();
  node.set_op_type("Identity");
  node.add_input(value);
  node.add_output(name);
  node.set_name(name);
  onnx::ValueInfoProto& output = *graph_->add_output();
  output.set_name(name);
  SetType(sizes, output);
}

std::string OnnxGraph::AddNode(const std::string& operation, const std::vector<std::string>& inputs,
                               const std::vector<OnnxAttribute>& attributes) {
  const std::string name = operation + "_" + std::to_string(graph_->node_size());
  onnx::NodeProto& node = *graph_->add_node();
  node.set_name(name);
  node.set_op_type(operation);
  for (const std::string& input : inputs) {
    if (!input.empty()) node.add_input(input);
  }
  node.add_output(name);
  for (const OnnxAttribute& attribute : attributes) SetAttribute(attribute, *node.add_attribute());
  return name;
}

std::string OnnxGraph::AddWeight(const std::string& name, const std::vector<int64_t>& shape) {
  if (std::find(weights_.begin(), weights_.end(), name) != weights_.end()) return name;
  weights_.push_back(name);
  onnx::TensorProto& tensor = *graph_->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t size : shape) tensor.add_dims(size);
  // So that a reader of the graph alone says what is missing.
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  onnx::StringStringEntryProto& location = *tensor.add_external_data();
  location.set_key("location");
  location.set_value(kWeightsFile);
  return name;
}

std::string OnnxGraph::NextConstant() const {
  return "constant_" + std::to_string(graph_->initializer_size());
}

std::string OnnxGraph::AddConstant(float value) {
  const std::string name = NextConstant();
  onnx::TensorProto& tensor = *graph_->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.set_raw_data(&value, sizeof(value));
  return name;
}

std::string OnnxGraph::AddConstant(const std::vector<int64_t>& values) {
  const std::string name = NextConstant();
  onnx::TensorProto& tensor = *graph_->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return name;
}

std::string OnnxGraph::Serialize(const std::string& graph_name) const {
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("distilld");
  model.set_producer_version(std::string(kVersion));
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  *model.mutable_graph() = *graph_;
  model.mutable_graph()->set_name(graph_name);
  return model.SerializeAsString();
}

Result<std::string> CompleteOnnx(std::string_view graph, const SafetensorsView& weights) {
  onnx::ModelProto model;
  if (!model.ParseFromArray(graph.data(), static_cast<int>(graph.size()))) {
    return Status(Code::kDataLoss, "the graph is no ONNX model");
  }
  std::unordered_map<std::string_view, const StoredTensor*> table;
  for (const StoredTensor& tensor : weights.tensors) table.emplace(tensor.name, &tensor);
  for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) continue;
    const auto found = table.find(tensor.name());
    if (found == table.end()) {
      return Status(Code::kInvalidArgument,
                    "the weights lack tensor " + tensor.name() + " of the graph");
    }
    DISTILL_RETURN_IF_ERROR(FillIn(*found->second, tensor));
  }
  for (const auto& [key, value] : weights.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  constexpr size_t kMaxMessageBytes = std::numeric_limits<int32_t>::max();
  if (model.ByteSizeLong() > kMaxMessageBytes) {
    return Status(Code::kInvalidArgument, "the model is over 2 GiB, more than one ONNX file holds");
  }
  return model.SerializeAsString();
}

}  // namespace distill::core
