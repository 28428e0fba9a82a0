#include "core/checkpoint/tensor_copier.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/checkpoint/state_dict.h"

namespace distill::core {
namespace {

/// Copies tensors out of storages, and keeps what they take together within a bound.
class TensorCopier {
 public:
  TensorCopier(size_t file_bytes, StorageLookup lookup)
      : budget_bytes_(file_bytes * 4 + (size_t{64} << 20U)), lookup_(std::move(lookup)) {}

  Result<at::Tensor> Copy(const PickleTensor& view) {
    const PickleStorage& storage = *view.storage;
    const auto element_bytes = static_cast<int64_t>(c10::elementSize(storage.dtype));
    DISTILL_ASSIGN_OR_RETURN(const std::string_view raw, lookup_(storage.key));
    const auto available = static_cast<int64_t>(raw.size()) / element_bytes;
    if (storage.first_element > available ||
        storage.num_elements > available - storage.first_element) {
      return Status(Code::kDataLoss, "the data of storage " + storage.key + " is too short");
    }
    DISTILL_RETURN_IF_ERROR(Reserve(view, element_bytes));
    at::Tensor tensor = at::empty(view.sizes, at::TensorOptions().dtype(storage.dtype));
    if (tensor.numel() > 0) {
      const char* first = raw.data() + (storage.first_element + view.offset) * element_bytes;
      Gather(view, first, tensor);
    }
    return tensor;
  }

 private:
  /// Takes what a contiguous copy of `view` needs out of the budget.
  Status Reserve(const PickleTensor& view, int64_t element_bytes) {
    const Status too_large(Code::kInvalidArgument,
                           "the file's tensors are far larger than the file");
    int64_t num_bytes = element_bytes;
    bool is_empty = false;
    for (const int64_t size : view.sizes) {
      is_empty = is_empty || size == 0;
      // An empty tensor has strides too, which must not overflow.
      if (__builtin_mul_overflow(num_bytes, std::max<int64_t>(size, 1), &num_bytes)) {
        return too_large;
      }
    }
    if (is_empty) return Status::Ok();
    if (static_cast<uint64_t>(num_bytes) > budget_bytes_) return too_large;
    budget_bytes_ -= static_cast<size_t>(num_bytes);
    return Status::Ok();
  }

  /// Copies element by element in the order of a contiguous tensor; runs of neighbours at once.
  static void Gather(const PickleTensor& view, const char* first, at::Tensor& tensor) {
    const auto element_bytes = static_cast<int64_t>(tensor.element_size());
    auto* target = static_cast<char*>(tensor.data_ptr());
    // The innermost dimensions that lie contiguous make one run.
    size_t outer = view.sizes.size();
    int64_t run = 1;
    while (outer > 0 && (view.strides[outer - 1] == run || view.sizes[outer - 1] == 1)) {
      run *= view.sizes[--outer];
    }
    std::vector<int64_t> index(outer, 0);
    int64_t offset = 0;
    for (int64_t left = tensor.numel() / run; left > 0; --left) {
      std::memcpy(target, first + offset * element_bytes, static_cast<size_t>(run * element_bytes));
      target += run * element_bytes;
      for (size_t dim = outer; dim-- > 0;) {
        offset += view.strides[dim];
        if (++index[dim] < view.sizes[dim]) break;
        offset -= view.strides[dim] * view.sizes[dim];
        index[dim] = 0;
      }
    }
    if (tensor.scalar_type() == at::kBool) {
      // A bool of any other value than 0 and 1 is undefined behaviour.
      auto* values = static_cast<uint8_t*>(tensor.data_ptr());
      for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = uint8_t{values[i] != 0};
    }
  }

  size_t budget_bytes_;
  StorageLookup lookup_;
};

}  // namespace

Result<TensorFile> CopyStateDict(PickleRef root, size_t file_bytes, StorageLookup lookup) {
  TensorCopier copier(file_bytes, std::move(lookup));
  DISTILL_ASSIGN_OR_RETURN(const PickledStateDict found, FindStateDict(root));
  TensorFile content;
  if (!found.wrapped_in.empty()) content.metadata["wrapped_in"] = found.wrapped_in;
  for (const auto& [name, view] : found.tensors) {
    Result<at::Tensor> tensor = copier.Copy(*view);
    if (!tensor.ok()) return tensor.status().WithContext("tensor " + name);
    content.tensors.push_back({name, std::move(tensor).value(), TensorKind::kBuffer});
  }
  StripWrapperPrefixes(content.tensors);
  return content;
}

}  // namespace distill::core
