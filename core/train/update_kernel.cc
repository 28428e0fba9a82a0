// Plain loops over plain arrays, compiled with full vectorisation (CMakeLists.txt): the update is
// bound by memory, so each array is read and written once.
#include "core/train/update_kernel.h"

#include <cmath>

namespace distill::core {

template <typename Scalar>
void UpdateByAdamw(const UpdateRange<Scalar>& range, const AdamwStep& step) {
  Scalar* __restrict value = range.value;
  const Scalar* __restrict gradient = range.gradient;
  Scalar* __restrict first = range.first_state;
  Scalar* __restrict second = range.second_state;
  const auto shrink = static_cast<Scalar>(step.shrink);
  const auto blend1 = static_cast<Scalar>(1.0 - step.beta1);
  const auto keep2 = static_cast<Scalar>(step.beta2);
  const auto blend2 = static_cast<Scalar>(1.0 - step.beta2);
  const auto step_size = static_cast<Scalar>(step.step_size);
  const auto inverse_root_bias = static_cast<Scalar>(step.inverse_root_bias);
  const auto epsilon = static_cast<Scalar>(step.epsilon);
  for (int64_t i = 0; i < range.length; ++i) {
    const Scalar g = gradient[i];
    const Scalar m = first[i] + blend1 * (g - first[i]);
    const Scalar v = keep2 * second[i] + blend2 * g * g;
    first[i] = m;
    second[i] = v;
    value[i] = shrink * value[i] - step_size * m / (std::sqrt(v) * inverse_root_bias + epsilon);
  }
}

template <typename Scalar>
void UpdateBySgd(const UpdateRange<Scalar>& range, const SgdStep& step) {
  Scalar* __restrict value = range.value;
  const Scalar* __restrict gradient = range.gradient;
  Scalar* __restrict velocity = range.first_state;
  const auto learning_rate = static_cast<Scalar>(step.learning_rate);
  const auto weight_decay = static_cast<Scalar>(step.weight_decay);
  const auto momentum = static_cast<Scalar>(step.momentum);
  if (!step.nesterov) {
    for (int64_t i = 0; i < range.length; ++i) {
      const Scalar v = momentum * velocity[i] + (gradient[i] + weight_decay * value[i]);
      velocity[i] = v;
      value[i] -= learning_rate * v;
    }
    return;
  }
  for (int64_t i = 0; i < range.length; ++i) {
    const Scalar g = gradient[i] + weight_decay * value[i];
    const Scalar v = momentum * velocity[i] + g;
    velocity[i] = v;
    value[i] -= learning_rate * (g + momentum * v);
  }
}

template <typename Scalar>
void UpdateByRmsprop(const UpdateRange<Scalar>& range, const RmspropStep& step) {
  Scalar* __restrict value = range.value;
  const Scalar* __restrict gradient = range.gradient;
  Scalar* __restrict velocity = range.first_state;
  Scalar* __restrict mean_square = range.second_state;
  const auto learning_rate = static_cast<Scalar>(step.learning_rate);
  const auto weight_decay = static_cast<Scalar>(step.weight_decay);
  const auto alpha = static_cast<Scalar>(step.alpha);
  const auto blend = static_cast<Scalar>(1.0 - step.alpha);
  const auto momentum = static_cast<Scalar>(step.momentum);
  const auto epsilon = static_cast<Scalar>(step.epsilon);
  for (int64_t i = 0; i < range.length; ++i) {
    const Scalar g = gradient[i] + weight_decay * value[i];
    const Scalar s = alpha * mean_square[i] + blend * g * g;
    const Scalar v = momentum * velocity[i] + g / (std::sqrt(s) + epsilon);
    mean_square[i] = s;
    velocity[i] = v;
    value[i] -= learning_rate * v;
  }
}

template <typename Scalar>
void UpdateAverage(Scalar* __restrict average, const Scalar* __restrict value, int64_t length,
                   double keep) {
  const auto keep_share = static_cast<Scalar>(keep);
  const auto live_share = static_cast<Scalar>(1.0 - keep);
  for (int64_t i = 0; i < length; ++i) {
    average[i] = keep_share * average[i] + live_share * value[i];
  }
}

template void UpdateByAdamw(const UpdateRange<float>&, const AdamwStep&);
template void UpdateByAdamw(const UpdateRange<double>&, const AdamwStep&);
template void UpdateBySgd(const UpdateRange<float>&, const SgdStep&);
template void UpdateBySgd(const UpdateRange<double>&, const SgdStep&);
template void UpdateByRmsprop(const UpdateRange<float>&, const RmspropStep&);
template void UpdateByRmsprop(const UpdateRange<double>&, const RmspropStep&);
template void UpdateAverage(float*, const float*, int64_t, double);
template void UpdateAverage(double*, const double*, int64_t, double);

}  // namespace distill::core
