#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/model/named_tensor.h"
#include "core/train/flat_parameters.h"
#include "core/train/update_rule.h"

namespace distill::core {

/// What a checkpoint holds of an optimiser. Restoring it continues the run bit for bit.
struct OptimizerState {
  /// Views of what is kept beside each parameter, e.g. "first_moment.features.0.weight".
  NamedTensors tensors;
  int64_t num_steps = 0;
};

/// Trains parameters that it holds in one flat buffer (FlatParameters). Parameters in three groups
/// follow one learning rate, given step by step: weights, which alone decay unless the options say
/// otherwise, biases and the scales of normalisation layers. Owned by one thread. Shares the
/// parameters with their modules, whose layout and device must stay as they are. On a GPU no call
/// waits for the device.
///
/// A step: backward, CollectGradients(), then where wanted ScaleGradients() (undoes a loss scale)
/// and ClipGradients(), then Step().
class Optimizer {
 public:
  /// `parameters`: those of the student and of every distillation term, under names of their own.
  /// kInvalidArgument: an option out of its range, or parameters as FlatParameters::Pack() refuses.
  static Result<std::unique_ptr<Optimizer>> Create(const NamedTensors& parameters,
                                                   const OptimizerOptions& options);

  /// Takes over the gradients that backward left on the parameters: see FlatParameters.
  void CollectGradients() { parameters_.CollectGradients(); }

  /// Multiplies the collected gradients by `factor`.
  void ScaleGradients(double factor);

  /// Returns the L2 norm over all collected gradients: a scalar on the device.
  at::Tensor GradientNorm() const;

  /// Scales the collected gradients by min(1, max_norm / (norm + 1e-6)), as torch's
  /// clip_grad_norm_, and returns the norm from before: a scalar on the device. Gradients that are
  /// not finite stay so. REQUIRES: max_norm > 0.
  at::Tensor ClipGradients(double max_norm);

  /// Returns whether all collected gradients are finite: a bool scalar on the device.
  at::Tensor AreGradientsFinite() const;

  /// Applies the collected gradients once.
  void Step(double learning_rate);

  int64_t num_steps() const { return num_steps_; }
  const FlatParameters& parameters() const { return parameters_; }

  /// Returns the state. Its tensors are views: the next Step() changes them.
  OptimizerState State() const;

  /// Copies `state`, of any device and layout, into this optimiser.
  /// kInvalidArgument: a tensor is missing, unknown or of another shape or dtype; nothing has
  /// changed then.
  Status Restore(const OptimizerState& state);

 private:
  Optimizer(FlatParameters parameters, const OptimizerOptions& options);
  UpdateTensors RangeOf(int64_t begin, int64_t end, double weight_decay) const;

  const OptimizerOptions options_;
  FlatParameters parameters_;
  at::Tensor first_state_;
  at::Tensor second_state_;  // undefined for SGD
  std::vector<UpdateTensors> ranges_;
  int64_t num_steps_ = 0;
};

}  // namespace distill::core
