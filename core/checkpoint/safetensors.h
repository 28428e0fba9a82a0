#pragma once

#include <string_view>

#include "core/base/status.h"
#include "core/checkpoint/tensor_file.h"

namespace distill::core {

/// Parses a whole safetensors file. The tensors own their data. Time and memory are bounded by a
/// small multiple of the size of `bytes`.
/// kInvalidArgument: the header breaks the format, or a dtype is one that LibTorch's CPU tensors
/// lack. kDataLoss: the file is shorter than its header says, or a checksum of ours differs.
/// REQUIRES: a little-endian machine.
Result<TensorFile> ParseSafetensors(std::string_view bytes);

}  // namespace distill::core
