#pragma once

#include <cstdint>

namespace distill::core {

/// One optimiser's numbers for one step, worked out from its options, the step count and the
/// learning rate.
struct AdamwStep {
  double shrink;  // 1 - learning rate * weight decay
  double beta1;
  double beta2;
  double step_size;          // learning rate / (1 - beta1^t)
  double inverse_root_bias;  // 1 / sqrt(1 - beta2^t)
  double epsilon;
};

struct SgdStep {
  double learning_rate;
  double weight_decay;
  double momentum;
  bool nesterov;
};

struct RmspropStep {
  double learning_rate;
  double weight_decay;
  double alpha;
  double momentum;
  double epsilon;
};

/// A stretch of a flat buffer of parameters and of what the optimiser keeps beside it, all of the
/// same length and without overlap.
template <typename Scalar>
struct UpdateRange {
  Scalar* value;
  const Scalar* gradient;
  Scalar* first_state;   // AdamW: first moment. SGD, RMSprop: momentum
  Scalar* second_state;  // AdamW: second moment. RMSprop: mean square. SGD: not read
  int64_t length;
};

/// Apply one step to a range, in one pass over memory. Scalar is float or double. Free of state:
/// ranges that do not overlap may be updated by several threads at once.
template <typename Scalar>
void UpdateByAdamw(const UpdateRange<Scalar>& range, const AdamwStep& step);
template <typename Scalar>
void UpdateBySgd(const UpdateRange<Scalar>& range, const SgdStep& step);
template <typename Scalar>
void UpdateByRmsprop(const UpdateRange<Scalar>& range, const RmspropStep& step);

/// average[i] = keep * average[i] + (1 - keep) * value[i].
template <typename Scalar>
void UpdateAverage(Scalar* average, const Scalar* value, int64_t length, double keep);

}  // namespace distill::core
