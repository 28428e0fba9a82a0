#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/model/module.h"
#include "core/model/named_tensor.h"

namespace distill::core {

struct WeightAverageOptions {
  double decay = 0.9999;       // in [0, 1)
  double ramp_updates = 2000;  // above 0: how slowly the decay rises from 0
};

/// What a checkpoint holds of a WeightAverage: the averaged model, in the order of Module::State().
struct WeightAverageState {
  NamedTensors tensors;
  int64_t num_updates = 0;
};

/// An exponential moving average of a module's parameters and floating buffers: at update n
/// average = d * average + (1 - d) * value with d = decay * (1 - exp(-n / ramp_updates)). Integer
/// buffers are the module's own. Starts as a copy. Owned by one thread. The module must outlive it
/// and keep its layout and device.
class WeightAverage {
 public:
  /// REQUIRES: options in range; `module` is laid out and on its device.
  WeightAverage(const Module& module, const WeightAverageOptions& options);

  /// Takes in the module's present values: once after each step of the optimiser, not after one
  /// that was skipped. Does not wait for the device.
  void Update();

  int64_t num_updates() const { return num_updates_; }

  /// Copies the average into `target`, a module of the same architecture on any device, e.g. one
  /// made for evaluation. Throws c10::Error when its names or shapes differ.
  void CopyTo(const Module& target) const;

  /// Returns the state. Its tensors are handles: the next Update() changes them.
  WeightAverageState State() const;

  /// Copies `state`, of any device and layout, into the average.
  /// kInvalidArgument: a tensor is missing or of another shape; nothing has changed then.
  Status Restore(const WeightAverageState& state);

 private:
  void UpdateOnCpu(double keep);

  const WeightAverageOptions options_;
  NamedTensors state_;  // averages, and for integer buffers the module's own
  std::vector<at::Tensor> averages_;
  std::vector<at::Tensor> values_;  // the module's, beside averages_
  int64_t num_updates_ = 0;
};

}  // namespace distill::core
