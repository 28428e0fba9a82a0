#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.h"

namespace distill::core {

enum class ScheduleKind { kCosine, kStep, kPolynomial, kConstant, kReferenceCosine };

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  int64_t epochs = 100;
  double learning_rate = 1e-3;      // the highest
  double min_learning_rate = 1e-6;  // the lowest
  bool warmup = false;
  double warmup_ratio = 0.05;  // of all epochs, rounded down
  int64_t step_epochs = 5;     // kStep without milestones
  /// kStep: after how many epochs, warm-up included, the rate falls; ascending, from 1.
  std::vector<int64_t> milestones;
  double step_factor = 0.8;       // kStep
  double polynomial_power = 1.0;  // kPolynomial
};

/// kInvalidArgument: a number out of its range; the message names it.
Status ValidateSchedule(const ScheduleOptions& options);

/// Returns the number of warm-up epochs W: int(warmup_ratio * epochs), 0 without warm-up.
int64_t NumWarmupEpochs(const ScheduleOptions& options);

/// Returns the learning rate of `epoch` (from 0), for all parameters alike. With E epochs, high and
/// low the two rates, W as above and k = epoch - W:
/// - warm-up, W > 0 and epoch <= W: low + (high - low) * epoch / W, so `low` first and `high` at W;
/// - kCosine: low + (high - low) * (1 + cos(pi * k / (E - W))) / 2: falls over the rest of the run,
///   its last epoch one step above `low`;
/// - kReferenceCosine: low + (high - low) * (1 + cos(pi * k / 10)) / 2: down in 10 epochs and up
///   again in 10, as the reference system. (Its off-by-one with a warm-up shorter than one epoch is
///   not repeated: the first epoch is then at `high`.)
/// - kPolynomial: low + (high - low) * (1 - k / (E - W))^power;
/// - kStep: high * step_factor^floor(k / step_epochs), at least `low`; with milestones, the
/// exponent
///   is how many of them are at most `epoch`;
/// - kConstant: high.
/// REQUIRES: ValidateSchedule(options) is ok, epoch >= 0. From epoch E on kCosine and kPolynomial
/// stay at `low`.
double LearningRate(const ScheduleOptions& options, int64_t epoch);

}  // namespace distill::core
