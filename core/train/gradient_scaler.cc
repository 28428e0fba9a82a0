#include "core/train/gradient_scaler.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace distill::core {
namespace {

constexpr double kGrowth = 2.0;
constexpr double kBackoff = 0.5;
constexpr int64_t kGrowthInterval = 2000;  // good steps
// float32 holds scale and 1 / scale exactly, with room for the loss.
constexpr double kLowestScale = 0x1.0p-60;
constexpr double kHighestScale = 0x1.0p60;

}  // namespace

bool GradientScaler::Update(bool gradients_are_finite) {
  if (!gradients_are_finite) {
    state_.scale = std::max(kLowestScale, state_.scale * kBackoff);
    state_.num_good_steps = 0;
    return false;
  }
  if (++state_.num_good_steps == kGrowthInterval) {
    state_.scale = std::min(kHighestScale, state_.scale * kGrowth);
    state_.num_good_steps = 0;
  }
  return true;
}

Status GradientScaler::Restore(const GradientScalerState& state) {
  if (!(std::isfinite(state.scale) && state.scale > 0) || state.num_good_steps < 0) {
    return {Code::kInvalidArgument, "not a state of the gradient scaler: scale " +
                                        std::to_string(state.scale) + ", good steps " +
                                        std::to_string(state.num_good_steps)};
  }
  state_ = state;
  return Status::Ok();
}

}  // namespace distill::core
