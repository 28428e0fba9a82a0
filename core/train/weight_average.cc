#include "core/train/weight_average.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <map>
#include <string>

#include "core/train/update_kernel.h"

namespace distill::core {
namespace {

// A part of one tensor, small enough to share the work of all evenly between threads.
struct Piece {
  size_t tensor = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

std::vector<Piece> CutToPieces(const std::vector<at::Tensor>& tensors) {
  constexpr int64_t kPieceElements = 16384;
  std::vector<Piece> pieces;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const int64_t length = tensors[i].numel();
    for (int64_t begin = 0; begin < length; begin += kPieceElements) {
      pieces.push_back({i, begin, std::min(length, begin + kPieceElements)});
    }
  }
  return pieces;
}

}  // namespace

WeightAverage::WeightAverage(const Module& module, const WeightAverageOptions& options)
    : options_(options) {
  const at::NoGradGuard no_grad;
  for (NamedTensor& entry : module.State()) {
    const at::Tensor value = entry.tensor;
    if (value.is_floating_point()) {
      entry.tensor = value.detach().clone();
      averages_.push_back(entry.tensor);
      values_.push_back(value);
    }
    state_.push_back(entry);
  }
}

void WeightAverage::Update() {
  ++num_updates_;
  const double ramp = 1.0 - std::exp(-static_cast<double>(num_updates_) / options_.ramp_updates);
  const double keep = options_.decay * ramp;
  if (averages_.empty()) return;
  if (averages_.front().is_cpu()) return UpdateOnCpu(keep);
  const at::NoGradGuard no_grad;
  at::_foreach_mul_(averages_, keep);
  at::_foreach_add_(averages_, values_, 1.0 - keep);
}

void WeightAverage::UpdateOnCpu(double keep) {
  const std::vector<Piece> pieces = CutToPieces(averages_);
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Piece& piece = pieces[static_cast<size_t>(i)];
      const at::Tensor& average = averages_[piece.tensor];
      const at::Tensor& value = values_[piece.tensor];
      AT_DISPATCH_FLOATING_TYPES(average.scalar_type(), "WeightAverage", [&] {
        UpdateAverage(average.data_ptr<scalar_t>() + piece.begin,
                      value.data_ptr<scalar_t>() + piece.begin, piece.end - piece.begin, keep);
      });
    }
  });
}

void WeightAverage::CopyTo(const Module& target) const {
  const at::NoGradGuard no_grad;
  const NamedTensors out = target.State();
  TORCH_CHECK(out.size() == state_.size(), "average of another architecture");
  for (size_t i = 0; i < out.size(); ++i) {
    TORCH_CHECK(out[i].name == state_[i].name && out[i].tensor.sizes() == state_[i].tensor.sizes(),
                "average of another architecture: ", out[i].name);
    out[i].tensor.detach().copy_(state_[i].tensor);
  }
}

WeightAverageState WeightAverage::State() const { return {state_, num_updates_}; }

Status WeightAverage::Restore(const WeightAverageState& state) {
  if (state.num_updates < 0) {
    return {Code::kInvalidArgument,
            "number of updates is negative: " + std::to_string(state.num_updates)};
  }
  std::map<std::string, at::Tensor> saved;
  for (const NamedTensor& entry : state.tensors) saved.emplace(entry.name, entry.tensor);
  for (const NamedTensor& entry : state_) {
    const auto found = saved.find(entry.name);
    if (found == saved.end() || found->second.sizes() != entry.tensor.sizes()) {
      return {Code::kInvalidArgument, "weight average lacks or has another shape of " + entry.name};
    }
  }

  const at::NoGradGuard no_grad;
  for (const NamedTensor& entry : state_) {
    if (entry.tensor.is_floating_point()) entry.tensor.copy_(saved.at(entry.name));
  }
  num_updates_ = state.num_updates;
  return Status::Ok();
}

}  // namespace distill::core
