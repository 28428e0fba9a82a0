#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/tensor_file.h"

namespace distill::core {

/// torch.save's pickles are far smaller: 150 bytes a tensor.
constexpr size_t kMaxPickleBytes = size_t{64} << 20U;

/// Returns the raw bytes of the storage with a key.
using StorageLookup = std::function<Result<std::string_view>(const std::string& key)>;

/// Finds the state_dict in the unpickled content of a PyTorch file (FindStateDict) and copies its
/// tensors out of their storages, contiguous, in file order. `file_bytes` bounds what they may take
/// together: a small file may hold a tensor expanded to any size, or many views of one storage.
/// Metadata "wrapped_in": the checkpoint's key of the state_dict, where it was not bare.
/// kInvalidArgument: no state_dict, or tensors over the bound. kDataLoss: a storage is too short.
Result<TensorFile> CopyStateDict(PickleRef root, size_t file_bytes, StorageLookup lookup);

}  // namespace distill::core
