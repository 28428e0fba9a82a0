#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// Trained parameters laid one after the other in one buffer, those with weight decay first, and
/// their gradients in a second one, so that an update is one pass over flat memory instead of one
/// per tensor. Each parameter keeps its shape and strides (channels_last stays channels_last) and
/// becomes a view. Owned by one thread. Shares the parameters with their modules.
class FlatParameters {
 public:
  /// Moves the data of `parameters` into the flat buffer; modules see no difference but must not
  /// lay out or move their parameters again (Module::To, ToChannelsLast). Gradients are dropped.
  /// kInvalidArgument: no parameters, a name twice, a buffer, or parameters that differ in device
  /// or dtype (one of float32 and float64); nothing has changed then.
  static Result<FlatParameters> Pack(const NamedTensors& parameters);

  /// [size()], contiguous. The gradients are those of the last CollectGradients().
  const at::Tensor& values() const { return values_; }
  const at::Tensor& gradients() const { return gradients_; }

  /// Returns the number of elements, with the few zeros between parameters that align them.
  int64_t size() const { return values_.numel(); }
  /// Returns how many elements at the front have weight decay.
  int64_t num_decayed() const { return num_decayed_; }

  /// Copies the gradients that backward left on the parameters into gradients() and takes them
  /// off, so that the next backward starts afresh. A parameter without a gradient counts as zero.
  /// Does not wait for the device.
  void CollectGradients();

  /// Returns `flat` (as large as values()) cut into parameters: views with the parameters' names
  /// after `prefix`, their shapes and strides.
  NamedTensors CutLikeParameters(const at::Tensor& flat, const std::string& prefix) const;

 private:
  // Where a parameter lies in the flat buffers.
  struct Slot {
    NamedTensor parameter;
    int64_t offset = 0;
    int64_t length = 0;
  };

  FlatParameters() = default;
  void Lay(const NamedTensors& parameters, bool is_decayed);
  void MoveValues();
  at::Tensor ViewOf(const Slot& slot, const at::Tensor& flat) const;
  void CopyOnCpu(const std::vector<at::Tensor>& gradients);
  void CopyOnDevice(const std::vector<at::Tensor>& gradients);

  std::vector<Slot> slots_;  // by offset
  int64_t num_decayed_ = 0;
  int64_t end_ = 0;
  at::Tensor values_;
  at::Tensor gradients_;
  at::Tensor padding_;  // zeros, as many as fit between two parameters
};

}  // namespace distill::core
