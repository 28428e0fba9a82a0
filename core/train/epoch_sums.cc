#include "core/train/epoch_sums.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>
#include <utility>

namespace distill::core {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

EpochSums::EpochSums(std::vector<std::string> names, const at::Device& device)
    : names_(std::move(names)) {
  const auto size = static_cast<int64_t>(names_.size());
  sums_ = at::zeros({size}, at::device(device).dtype(at::kDouble));
  first_steps_ = at::full({size}, kNever, at::device(device).dtype(at::kLong));
}

void EpochSums::Add(const at::Tensor& values, int64_t num_images, int64_t step) {
  const at::NoGradGuard no_grad;
  sums_.add_(values.to(at::kDouble), static_cast<double>(num_images));
  const at::Tensor bad_step = at::where(at::isfinite(values), first_steps_.new_full({}, kNever),
                                        first_steps_.new_full({}, step));
  first_steps_ = at::minimum(first_steps_, bad_step);
  num_images_ += num_images;
}

Metrics EpochSums::Means() const {
  Metrics means;
  if (num_images_ == 0) return means;
  const at::Tensor host = sums_.cpu();
  for (size_t i = 0; i < names_.size(); ++i) {
    means[names_[i]] =
        host[static_cast<int64_t>(i)].item<double>() / static_cast<double>(num_images_);
  }
  return means;
}

std::optional<NonFiniteLoss> EpochSums::FirstNonFinite() const {
  const at::Tensor host = first_steps_.cpu();
  std::optional<NonFiniteLoss> first;
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto step = host[static_cast<int64_t>(i)].item<int64_t>();
    if (step != kNever && (!first || step <= first->step)) first = NonFiniteLoss{names_[i], step};
  }
  return first;
}

void EpochSums::Reset() {
  sums_.zero_();
  first_steps_.fill_(kNever);
  num_images_ = 0;
}

NamedTensors EpochSums::State() const { return {{"sums", sums_}}; }

void EpochSums::Restore(const NamedTensors& state, int64_t num_images) {
  Reset();
  if (state.empty() || state[0].tensor.sizes() != sums_.sizes()) return;
  sums_.copy_(state[0].tensor);
  num_images_ = num_images;
}

}  // namespace distill::core
