#include "core/train/learning_rate_schedule.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace distill::core {
namespace {

constexpr double kReferenceHalfPeriodEpochs = 10.0;

Status Invalid(const std::string& what, double value) {
  return {Code::kInvalidArgument, what + ", not " + std::to_string(value)};
}

// The share of the way from the lowest to the highest rate; `phase` is 0 at the top, 1 at the
// bottom.
double CosineShare(double phase) { return 0.5 * (1.0 + std::cos(M_PI * phase)); }

int64_t NumSteps(const ScheduleOptions& options, int64_t epoch, int64_t epoch_after_warmup) {
  const std::vector<int64_t>& milestones = options.milestones;
  if (milestones.empty()) return epoch_after_warmup / options.step_epochs;
  return std::upper_bound(milestones.begin(), milestones.end(), epoch) - milestones.begin();
}

double StepRate(const ScheduleOptions& options, int64_t num_steps) {
  const double factor = std::pow(options.step_factor, static_cast<double>(num_steps));
  return std::max(options.min_learning_rate, options.learning_rate * factor);
}

Status ValidateMilestones(const std::vector<int64_t>& milestones) {
  int64_t previous = 0;
  for (const int64_t milestone : milestones) {
    if (milestone <= previous) {
      return Invalid("milestones must be ascending and at least 1", static_cast<double>(milestone));
    }
    previous = milestone;
  }
  return Status::Ok();
}

}  // namespace

Status ValidateSchedule(const ScheduleOptions& options) {
  if (options.epochs < 1) {
    return Invalid("epochs must be at least 1", static_cast<double>(options.epochs));
  }
  if (!(std::isfinite(options.learning_rate) && options.learning_rate > 0)) {
    return Invalid("learning rate must be finite and above 0", options.learning_rate);
  }
  if (!(options.min_learning_rate >= 0 && options.min_learning_rate <= options.learning_rate)) {
    return Invalid("lowest learning rate must be at least 0 and at most the learning rate",
                   options.min_learning_rate);
  }
  if (!(options.warmup_ratio >= 0 && options.warmup_ratio < 1)) {
    return Invalid("warm-up ratio must be in [0, 1)", options.warmup_ratio);
  }
  if (options.step_epochs < 1) {
    return Invalid("epochs of a step must be at least 1", static_cast<double>(options.step_epochs));
  }
  if (!(options.step_factor > 0 && options.step_factor <= 1)) {
    return Invalid("factor of a step must be in (0, 1]", options.step_factor);
  }
  if (!(std::isfinite(options.polynomial_power) && options.polynomial_power > 0)) {
    return Invalid("power must be finite and above 0", options.polynomial_power);
  }
  return ValidateMilestones(options.milestones);
}

int64_t NumWarmupEpochs(const ScheduleOptions& options) {
  if (!options.warmup) return 0;
  return static_cast<int64_t>(options.warmup_ratio * static_cast<double>(options.epochs));
}

double LearningRate(const ScheduleOptions& options, int64_t epoch) {
  const double low = options.min_learning_rate;
  const double range = options.learning_rate - low;
  const int64_t num_warmup_epochs = NumWarmupEpochs(options);
  if (epoch < num_warmup_epochs) {
    return low + range * static_cast<double>(epoch) / static_cast<double>(num_warmup_epochs);
  }

  const int64_t after_warmup = epoch - num_warmup_epochs;
  const auto elapsed = static_cast<double>(after_warmup);
  const auto length = static_cast<double>(options.epochs - num_warmup_epochs);
  const double phase = std::min(1.0, elapsed / length);
  switch (options.kind) {
    case ScheduleKind::kCosine:
      return low + range * CosineShare(phase);
    case ScheduleKind::kReferenceCosine:
      return low + range * CosineShare(elapsed / kReferenceHalfPeriodEpochs);
    case ScheduleKind::kPolynomial:
      return low + range * std::pow(1.0 - phase, options.polynomial_power);
    case ScheduleKind::kStep:
      return StepRate(options, NumSteps(options, epoch, after_warmup));
    case ScheduleKind::kConstant:
      break;
  }
  return options.learning_rate;
}

}  // namespace distill::core
