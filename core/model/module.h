#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/model/named_tensor.h"

namespace distill::core {

/// A part of a network: named parameters, buffers and child modules, as in torch.nn.Module. Names
/// and order of State() equal those of PyTorch's state_dict() for the same architecture.
/// Owned by one thread. Owns its children.
///
/// Tensors are handles: whoever replaces the data of one that State() returned (Tensor::set_data,
/// Tensor::copy_) changes the module.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Switches this module and all below between training and evaluation (dropout, stochastic depth,
  /// batch statistics). New modules are in training.
  void SetTraining(bool is_training);
  bool is_training() const { return is_training_; }

  /// Returns all parameters and buffers, each module's own before its children's.
  NamedTensors State() const;

  /// Returns the parameters alone, in the order of State().
  NamedTensors Parameters() const;

  /// Sets requires_grad of all parameters.
  void SetRequiresGrad(bool requires_grad);

  /// Moves all tensors to `device`, except integer scalars (the batch counters of batch norms):
  /// those stay on the CPU, where counting costs no kernel launch. Drops gradients. May throw
  /// c10::Error (out of memory).
  void To(const at::Device& device);

  /// Lays all 4-D tensors out as channels_last (NHWC), which convolutions run faster on.
  void ToChannelsLast();

  /// Folds every batch norm below into the convolution before it and lets convolutions apply their
  /// activation and residual sum themselves where the device can: the same function up to rounding.
  /// Afterwards State() is no longer the architecture's and the module cannot be trained.
  /// REQUIRES: evaluation mode; weights loaded and on their device.
  virtual void FuseForInference();

  /// Returns the children with their own names, in order of registration.
  const std::vector<std::pair<std::string, std::unique_ptr<Module>>>& children() const {
    return children_;
  }

 protected:
  /// Registers a parameter or buffer under a name without dots. Returns the handle to keep.
  /// Trained kinds get requires_grad.
  at::Tensor AddTensor(std::string name, at::Tensor tensor, TensorKind kind);

  /// Takes ownership of `child` and returns it. Children are numbered names or words, no dots.
  template <typename Child>
  Child& AddChild(std::string name, std::unique_ptr<Child> child) {
    Child& reference = *child;
    children_.emplace_back(std::move(name), std::move(child));
    return reference;
  }

 private:
  void CollectState(const std::string& prefix, NamedTensors& out) const;

  bool is_training_ = true;
  NamedTensors own_tensors_;
  std::vector<std::pair<std::string, std::unique_ptr<Module>>> children_;
};

}  // namespace distill::core
