#include "core/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace distill::core {
namespace {

Status Invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status CheckShare(const std::string& name, double value) {
  if (value >= 0 && value < 1) return Status::Ok();
  return Invalid(name + " must be in [0, 1), not " + std::to_string(value));
}

Status CheckOptions(const OptimizerOptions& options) {
  if (!(std::isfinite(options.weight_decay) && options.weight_decay >= 0)) {
    return Invalid("weight decay must be finite and at least 0, not " +
                   std::to_string(options.weight_decay));
  }
  if (!(std::isfinite(options.epsilon) && options.epsilon > 0)) {
    return Invalid("epsilon must be finite and above 0, not " + std::to_string(options.epsilon));
  }
  DISTILL_RETURN_IF_ERROR(CheckShare("momentum", options.momentum));
  DISTILL_RETURN_IF_ERROR(CheckShare("beta2", options.beta2));
  return CheckShare("alpha of RMSprop", options.rms_alpha);
}

const char* FirstStatePrefix(OptimizerKind kind) {
  return kind == OptimizerKind::kAdamW ? "first_moment." : "momentum.";
}

const char* SecondStatePrefix(OptimizerKind kind) {
  return kind == OptimizerKind::kAdamW ? "second_moment." : "mean_square.";
}

}  // namespace

Result<std::unique_ptr<Optimizer>> Optimizer::Create(const NamedTensors& parameters,
                                                     const OptimizerOptions& options) {
  DISTILL_RETURN_IF_ERROR(CheckOptions(options));
  DISTILL_ASSIGN_OR_RETURN(FlatParameters flat, FlatParameters::Pack(parameters));
  return std::unique_ptr<Optimizer>(new Optimizer(std::move(flat), options));
}

Optimizer::Optimizer(FlatParameters parameters, const OptimizerOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  first_state_ = at::zeros_like(parameters_.values());
  if (options_.kind != OptimizerKind::kSgd) second_state_ = at::zeros_like(parameters_.values());
  const int64_t num_decayed = parameters_.num_decayed();
  const int64_t size = parameters_.size();
  if (num_decayed > 0) ranges_.push_back(RangeOf(0, num_decayed, options_.weight_decay));
  const double other_decay = options_.decay_all ? options_.weight_decay : 0.0;
  if (num_decayed < size) ranges_.push_back(RangeOf(num_decayed, size, other_decay));
}

UpdateTensors Optimizer::RangeOf(int64_t begin, int64_t end, double weight_decay) const {
  const int64_t length = end - begin;
  UpdateTensors range;
  range.values = parameters_.values().narrow(0, begin, length);
  range.gradients = parameters_.gradients().narrow(0, begin, length);
  range.first_state = first_state_.narrow(0, begin, length);
  if (second_state_.defined()) range.second_state = second_state_.narrow(0, begin, length);
  range.weight_decay = weight_decay;
  return range;
}

void Optimizer::ScaleGradients(double factor) {
  if (factor != 1.0) parameters_.gradients().mul_(factor);
}

at::Tensor Optimizer::GradientNorm() const { return parameters_.gradients().norm(); }

at::Tensor Optimizer::ClipGradients(double max_norm) {
  constexpr double kNormOffset = 1e-6;
  const at::Tensor norm = GradientNorm();
  const at::Tensor factor = (max_norm / (norm + kNormOffset)).clamp_max(1.0);
  // Where reading a scalar costs nothing, spare the pass over all gradients.
  const bool is_known_to_be_short = factor.is_cpu() && factor.item<double>() == 1.0;
  if (!is_known_to_be_short) parameters_.gradients().mul_(factor);
  return norm;
}

at::Tensor Optimizer::AreGradientsFinite() const {
  const double infinity = std::numeric_limits<double>::infinity();
  return at::isfinite(at::linalg_vector_norm(parameters_.gradients(), infinity));
}

void Optimizer::Step(double learning_rate) {
  const UpdateStep step{learning_rate, ++num_steps_};
  for (const UpdateTensors& range : ranges_) {
    if (range.values.is_cpu()) {
      UpdateInOnePass(range, options_, step);
    } else {
      UpdateByTensorOperations(range, options_, step);
    }
  }
}

OptimizerState Optimizer::State() const {
  OptimizerState state;
  state.num_steps = num_steps_;
  state.tensors = parameters_.CutLikeParameters(first_state_, FirstStatePrefix(options_.kind));
  if (second_state_.defined()) {
    NamedTensors second =
        parameters_.CutLikeParameters(second_state_, SecondStatePrefix(options_.kind));
    state.tensors.insert(state.tensors.end(), second.begin(), second.end());
  }
  // What is kept beside a parameter is not itself trained.
  for (NamedTensor& tensor : state.tensors) tensor.kind = TensorKind::kBuffer;
  return state;
}

Status Optimizer::Restore(const OptimizerState& state) {
  if (state.num_steps < 0) {
    return Invalid("number of steps is negative: " + std::to_string(state.num_steps));
  }
  std::map<std::string, at::Tensor> saved;
  for (const NamedTensor& entry : state.tensors) saved.emplace(entry.name, entry.tensor);
  const NamedTensors own = State().tensors;
  for (const NamedTensor& entry : own) {
    const auto found = saved.find(entry.name);
    if (found == saved.end()) return Invalid("optimiser state lacks " + entry.name);
    const bool fits = found->second.sizes() == entry.tensor.sizes() &&
                      found->second.scalar_type() == entry.tensor.scalar_type();
    if (!fits) return Invalid("optimiser state has another shape or type: " + entry.name);
  }
  if (state.tensors.size() != own.size()) {
    return Invalid("optimiser state has tensors that this optimiser does not know: " +
                   std::to_string(state.tensors.size()) + " instead of " +
                   std::to_string(own.size()));
  }

  const at::NoGradGuard no_grad;
  for (const NamedTensor& entry : own) entry.tensor.copy_(saved.at(entry.name));
  num_steps_ = state.num_steps;
  return Status::Ok();
}

}  // namespace distill::core
