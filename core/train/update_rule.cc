#include "core/train/update_rule.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "core/train/update_kernel.h"

namespace distill::core {
namespace {

AdamwStep AdamwStepOf(const OptimizerOptions& options, double weight_decay,
                      const UpdateStep& step) {
  const auto number = static_cast<double>(step.number);
  AdamwStep out{};
  out.shrink = 1.0 - step.learning_rate * weight_decay;
  out.beta1 = options.momentum;
  out.beta2 = options.beta2;
  out.step_size = step.learning_rate / (1.0 - std::pow(options.momentum, number));
  out.inverse_root_bias = 1.0 / std::sqrt(1.0 - std::pow(options.beta2, number));
  out.epsilon = options.epsilon;
  return out;
}

SgdStep SgdStepOf(const OptimizerOptions& options, double weight_decay, const UpdateStep& step) {
  return {step.learning_rate, weight_decay, options.momentum, options.nesterov};
}

RmspropStep RmspropStepOf(const OptimizerOptions& options, double weight_decay,
                          const UpdateStep& step) {
  return {step.learning_rate, weight_decay, options.rms_alpha, options.momentum, options.epsilon};
}

template <typename Scalar>
UpdateRange<Scalar> RangeOf(const UpdateTensors& tensors, int64_t begin, int64_t end) {
  UpdateRange<Scalar> range{};
  range.value = tensors.values.data_ptr<Scalar>() + begin;
  range.gradient = tensors.gradients.data_ptr<Scalar>() + begin;
  range.first_state = tensors.first_state.data_ptr<Scalar>() + begin;
  if (tensors.second_state.defined()) {
    range.second_state = tensors.second_state.data_ptr<Scalar>() + begin;
  }
  range.length = end - begin;
  return range;
}

template <typename Scalar>
void UpdateRangeInOnePass(const UpdateRange<Scalar>& range, double weight_decay,
                          const OptimizerOptions& options, const UpdateStep& step) {
  switch (options.kind) {
    case OptimizerKind::kAdamW:
      return UpdateByAdamw(range, AdamwStepOf(options, weight_decay, step));
    case OptimizerKind::kSgd:
      return UpdateBySgd(range, SgdStepOf(options, weight_decay, step));
    case OptimizerKind::kRmsProp:
      return UpdateByRmsprop(range, RmspropStepOf(options, weight_decay, step));
  }
}

void AdamwByTensorOperations(const UpdateTensors& tensors, const AdamwStep& step) {
  tensors.first_state.lerp_(tensors.gradients, 1.0 - step.beta1);
  tensors.second_state.mul_(step.beta2)
      .addcmul_(tensors.gradients, tensors.gradients, 1.0 - step.beta2);
  const at::Tensor denominator =
      tensors.second_state.sqrt().mul_(step.inverse_root_bias).add_(step.epsilon);
  if (step.shrink != 1.0) tensors.values.mul_(step.shrink);
  tensors.values.addcdiv_(tensors.first_state, denominator, -step.step_size);
}

at::Tensor DecayedGradient(const UpdateTensors& tensors) {
  if (tensors.weight_decay == 0.0) return tensors.gradients;
  return tensors.gradients.add(tensors.values, tensors.weight_decay);
}

void SgdByTensorOperations(const UpdateTensors& tensors, const SgdStep& step) {
  const at::Tensor gradient = DecayedGradient(tensors);
  tensors.first_state.mul_(step.momentum).add_(gradient);
  if (!step.nesterov) {
    tensors.values.add_(tensors.first_state, -step.learning_rate);
    return;
  }
  tensors.values.add_(gradient, -step.learning_rate);
  tensors.values.add_(tensors.first_state, -step.learning_rate * step.momentum);
}

void RmspropByTensorOperations(const UpdateTensors& tensors, const RmspropStep& step) {
  const at::Tensor gradient = DecayedGradient(tensors);
  tensors.second_state.mul_(step.alpha).addcmul_(gradient, gradient, 1.0 - step.alpha);
  const at::Tensor denominator = tensors.second_state.sqrt().add_(step.epsilon);
  tensors.first_state.mul_(step.momentum).addcdiv_(gradient, denominator);
  tensors.values.add_(tensors.first_state, -step.learning_rate);
}

}  // namespace

void UpdateInOnePass(const UpdateTensors& tensors, const OptimizerOptions& options,
                     const UpdateStep& step) {
  constexpr int64_t kGrainElements = 32768;
  AT_DISPATCH_FLOATING_TYPES(tensors.values.scalar_type(), "UpdateInOnePass", [&] {
    at::parallel_for(0, tensors.values.numel(), kGrainElements, [&](int64_t begin, int64_t end) {
      UpdateRangeInOnePass(RangeOf<scalar_t>(tensors, begin, end), tensors.weight_decay, options,
                           step);
    });
  });
}

void UpdateByTensorOperations(const UpdateTensors& tensors, const OptimizerOptions& options,
                              const UpdateStep& step) {
  const at::NoGradGuard no_grad;
  switch (options.kind) {
    case OptimizerKind::kAdamW:
      return AdamwByTensorOperations(tensors, AdamwStepOf(options, tensors.weight_decay, step));
    case OptimizerKind::kSgd:
      return SgdByTensorOperations(tensors, SgdStepOf(options, tensors.weight_decay, step));
    case OptimizerKind::kRmsProp:
      return RmspropByTensorOperations(tensors, RmspropStepOf(options, tensors.weight_decay, step));
  }
}

}  // namespace distill::core
