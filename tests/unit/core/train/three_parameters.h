#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/model/module.h"

namespace distill::core::testing {

/// The module of the golden trajectories: a weight of 6 elements, a bias of 3 and a norm's scale of
/// 2, set to sin(0.9 * i + 0.2 + offset) with `offset` the number of elements before.
class ThreeParameters final : public Module {
 public:
  explicit ThreeParameters(at::ScalarType type) {
    AddTensor("weight", Wave(6, 0, type), TensorKind::kWeight);
    AddTensor("bias", Wave(3, 6, type), TensorKind::kBias);
    AddTensor("norm.weight", Wave(2, 9, type), TensorKind::kNormWeight);
    AddTensor("count", at::zeros({}, at::kLong), TensorKind::kBuffer);
  }

  /// Puts the gradient sin(0.7 * j + 0.3 * step) + value / 2 on each parameter, j counting the
  /// elements of all. `step` counts from 1.
  void SetGradients(int step) const {
    int64_t offset = 0;
    for (const NamedTensor& parameter : Parameters()) {
      at::Tensor tensor = parameter.tensor;
      const at::Tensor index = at::arange(offset, offset + tensor.numel(), at::kDouble);
      const at::Tensor force = at::sin(index * 0.7 + 0.3 * step).to(tensor.scalar_type());
      tensor.mutable_grad() = force + 0.5 * tensor.detach();
      offset += tensor.numel();
    }
  }

  /// Returns the values of all parameters one after the other, as float64.
  std::vector<double> Values() const {
    std::vector<double> values;
    for (const NamedTensor& parameter : Parameters()) {
      const at::Tensor tensor = parameter.tensor.detach().to(at::kDouble).contiguous();
      values.insert(values.end(), tensor.data_ptr<double>(),
                    tensor.data_ptr<double>() + tensor.numel());
    }
    return values;
  }

 private:
  static at::Tensor Wave(int64_t count, int64_t offset, at::ScalarType type) {
    const double phase = 0.2 + static_cast<double>(offset);
    return at::sin(at::arange(count, at::kDouble) * 0.9 + phase).to(type);
  }
};

/// The learning rate of the golden trajectories; `step` counts from 1.
inline double TrajectoryRate(int step) { return 0.02 / (1 + 0.1 * step); }

}  // namespace distill::core::testing
