#include "core/train/flat_parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <cstring>
#include <set>

namespace distill::core {
namespace {

// Parameters start at multiples of this many elements: 16 bytes in float32, what vector loads and
// GPU kernels want.
constexpr int64_t kAlignment = 4;

Status InvalidParameters(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

Status CheckParameters(const NamedTensors& parameters) {
  if (parameters.empty()) return InvalidParameters("there are no parameters to train");
  const at::Tensor& first = parameters.front().tensor;
  std::set<std::string> names;
  for (const NamedTensor& parameter : parameters) {
    const at::Tensor& tensor = parameter.tensor;
    if (!names.insert(parameter.name).second) {
      return InvalidParameters("two parameters have the same name: " + parameter.name);
    }
    if (parameter.kind == TensorKind::kBuffer) {
      return InvalidParameters("a buffer cannot be trained: " + parameter.name);
    }
    const bool is_float = tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble;
    if (!is_float || tensor.scalar_type() != first.scalar_type() ||
        tensor.device() != first.device()) {
      return InvalidParameters("parameters must share one device and one of float32 and float64: " +
                               parameter.name);
    }
  }
  return Status::Ok();
}

// Whether both hold their elements in the same order in memory, without gaps.
bool HasSameOrder(const at::Tensor& left, const at::Tensor& right) {
  if (left.sizes() != right.sizes() || left.layout() != at::kStrided) return false;
  if (!left.is_non_overlapping_and_dense() || left.scalar_type() != right.scalar_type()) {
    return false;
  }
  for (int64_t axis = 0; axis < left.dim(); ++axis) {
    if (left.size(axis) != 1 && left.stride(axis) != right.stride(axis)) return false;
  }
  return true;
}

at::Tensor Flattened(const at::Tensor& dense) {
  return dense.as_strided({dense.numel()}, {1}, dense.storage_offset());
}

}  // namespace

Result<FlatParameters> FlatParameters::Pack(const NamedTensors& parameters) {
  DISTILL_RETURN_IF_ERROR(CheckParameters(parameters));
  const at::NoGradGuard no_grad;
  FlatParameters flat;
  flat.Lay(parameters, /*is_decayed=*/true);
  flat.num_decayed_ = flat.end_;
  flat.Lay(parameters, /*is_decayed=*/false);
  const at::TensorOptions options = parameters.front().tensor.detach().options();
  flat.values_ = at::zeros({flat.end_}, options);
  flat.gradients_ = at::zeros({flat.end_}, options);
  flat.padding_ = at::zeros({kAlignment}, options);
  flat.MoveValues();
  return flat;
}

void FlatParameters::Lay(const NamedTensors& parameters, bool is_decayed) {
  for (const NamedTensor& parameter : parameters) {
    if ((parameter.kind == TensorKind::kWeight) != is_decayed) continue;
    const int64_t length = parameter.tensor.numel();
    slots_.push_back({parameter, end_, length});
    end_ += (length + kAlignment - 1) / kAlignment * kAlignment;
  }
}

void FlatParameters::MoveValues() {
  for (Slot& slot : slots_) {
    at::Tensor& tensor = slot.parameter.tensor;
    tensor.mutable_grad().reset();
    if (!tensor.is_non_overlapping_and_dense()) tensor.set_data(tensor.detach().contiguous());
    const at::Tensor view = ViewOf(slot, values_);
    view.copy_(tensor.detach());
    tensor.set_data(view);
  }
}

at::Tensor FlatParameters::ViewOf(const Slot& slot, const at::Tensor& flat) const {
  const at::Tensor& tensor = slot.parameter.tensor;
  return flat.as_strided(tensor.sizes(), tensor.strides(), flat.storage_offset() + slot.offset);
}

NamedTensors FlatParameters::CutLikeParameters(const at::Tensor& flat,
                                               const std::string& prefix) const {
  NamedTensors views;
  views.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    views.push_back({prefix + slot.parameter.name, ViewOf(slot, flat), slot.parameter.kind});
  }
  return views;
}

void FlatParameters::CollectGradients() {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  gradients.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    at::Tensor& gradient = slot.parameter.tensor.mutable_grad();
    if (!gradient.defined()) {
      gradients.push_back(at::zeros({slot.length}, gradients_.options()));
    } else if (HasSameOrder(gradient, slot.parameter.tensor)) {
      gradients.push_back(Flattened(gradient));
    } else {
      const at::Tensor reordered = at::empty_like(slot.parameter.tensor.detach());
      gradients.push_back(Flattened(reordered.copy_(gradient)));
    }
    gradient.reset();
  }
  if (gradients_.is_cpu()) {
    CopyOnCpu(gradients);
  } else {
    CopyOnDevice(gradients);
  }
}

void FlatParameters::CopyOnCpu(const std::vector<at::Tensor>& gradients) {
  constexpr int64_t kGrainElements = 65536;
  const auto element_bytes = static_cast<int64_t>(gradients_.element_size());
  auto* out = static_cast<char*>(gradients_.data_ptr());
  at::parallel_for(0, end_, kGrainElements, [&](int64_t begin, int64_t end) {
    // The last slot that starts at or before `begin`.
    auto after = std::upper_bound(slots_.begin(), slots_.end(), begin,
                                  [](int64_t at, const Slot& slot) { return at < slot.offset; });
    auto index = static_cast<size_t>(after - slots_.begin()) - 1;
    for (; index < slots_.size() && slots_[index].offset < end; ++index) {
      const Slot& slot = slots_[index];
      const int64_t from = std::max(begin, slot.offset);
      const int64_t to = std::min(end, slot.offset + slot.length);
      if (from >= to) continue;
      const auto* in = static_cast<const char*>(gradients[index].data_ptr());
      std::memcpy(out + from * element_bytes, in + (from - slot.offset) * element_bytes,
                  static_cast<size_t>((to - from) * element_bytes));
    }
  });
}

void FlatParameters::CopyOnDevice(const std::vector<at::Tensor>& gradients) {
  std::vector<at::Tensor> pieces;
  pieces.reserve(gradients.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    pieces.push_back(gradients[i]);
    const int64_t next = i + 1 < slots_.size() ? slots_[i + 1].offset : end_;
    const int64_t gap = next - slots_[i].offset - slots_[i].length;
    if (gap > 0) pieces.push_back(padding_.narrow(0, 0, gap));
  }
  // One kernel for about a hundred parameters, where a copy of each would be one kernel for each.
  at::cat_out(gradients_, pieces, 0);
}

}  // namespace distill::core
