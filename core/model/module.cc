#include "core/model/module.h"

#include <ATen/ATen.h>

namespace distill::core {

void Module::SetTraining(bool is_training) {
  is_training_ = is_training;
  for (auto& [name, child] : children_) child->SetTraining(is_training);
}

NamedTensors Module::State() const {
  NamedTensors state;
  CollectState("", state);
  return state;
}

NamedTensors Module::Parameters() const {
  NamedTensors parameters;
  for (NamedTensor& tensor : State()) {
    if (tensor.kind != TensorKind::kBuffer) parameters.push_back(std::move(tensor));
  }
  return parameters;
}

void Module::SetRequiresGrad(bool requires_grad) {
  for (const NamedTensor& parameter : Parameters()) {
    at::Tensor tensor = parameter.tensor;
    tensor.requires_grad_(requires_grad);
  }
}

void Module::To(const at::Device& device) {
  for (const NamedTensor& entry : State()) {
    at::Tensor tensor = entry.tensor;
    const bool is_counter = tensor.dim() == 0 && !tensor.is_floating_point();
    if (tensor.device() == device || is_counter) continue;
    tensor.mutable_grad().reset();
    tensor.set_data(tensor.to(device));
  }
}

void Module::ToChannelsLast() {
  for (const NamedTensor& entry : State()) {
    at::Tensor tensor = entry.tensor;
    if (tensor.dim() == 4) tensor.set_data(tensor.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

void Module::FuseForInference() {
  for (auto& [name, child] : children_) child->FuseForInference();
}

at::Tensor Module::AddTensor(std::string name, at::Tensor tensor, TensorKind kind) {
  if (kind != TensorKind::kBuffer) tensor.requires_grad_(true);
  own_tensors_.push_back({std::move(name), tensor, kind});
  return tensor;
}

void Module::CollectState(const std::string& prefix, NamedTensors& out) const {
  for (const NamedTensor& own : own_tensors_) {
    out.push_back({prefix + own.name, own.tensor, own.kind});
  }
  for (const auto& [name, child] : children_) child->CollectState(prefix + name + ".", out);
}

}  // namespace distill::core
