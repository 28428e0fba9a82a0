#pragma once

#include <cstdint>

#include "core/base/status.h"

namespace distill::core {

/// What a checkpoint holds of a GradientScaler.
struct GradientScalerState {
  double scale = 65536.0;
  int64_t num_good_steps = 0;  // since the scale last changed
};

/// Keeps the factor that losses are multiplied with, so that float16 gradients do not vanish: 65536
/// at first, doubled after 2000 good steps in a row, halved at each overflow. Always a power of
/// two, so scaling and unscaling are exact. Owned by one thread.
///
/// A step: multiply the loss by scale(), run backward, multiply the gradients by 1 / scale(), and
/// let Update() say whether the optimiser may step.
class GradientScaler {
 public:
  double scale() const { return state_.scale; }

  /// Takes note of a step and returns whether it may be applied: false when a gradient was not
  /// finite, and weights and their average must be left alone.
  bool Update(bool gradients_are_finite);

  const GradientScalerState& state() const { return state_; }

  /// kInvalidArgument: a scale that is not positive and finite, or a negative count; nothing is
  /// changed.
  Status Restore(const GradientScalerState& state);

 private:
  GradientScalerState state_;
};

}  // namespace distill::core
