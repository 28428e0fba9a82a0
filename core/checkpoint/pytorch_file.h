#pragma once

#include <string_view>

#include "core/base/status.h"
#include "core/checkpoint/tensor_file.h"

namespace distill::core {

/// Whether `bytes` start with the magic number of torch.save's form before PyTorch 1.6.
bool LooksLikeLegacyPyTorch(std::string_view bytes);

/// Parses torch.save's zip form (PyTorch 1.6 and later) or its legacy form, holding a state_dict.
/// The tensors own their data, are contiguous, and lie on the CPU whatever device they were saved
/// from; wrapper prefixes of their names are taken off. Metadata: "wrapped_in", the checkpoint's
/// key of the state_dict, where it was not bare. Time and memory are bounded by a multiple of the
/// size of `bytes`.
/// kInvalidArgument: no state_dict, or a kind of file that must be converted first.
/// kDataLoss: torn or damaged.
Result<TensorFile> ParsePyTorchZip(std::string_view bytes);
Result<TensorFile> ParsePyTorchLegacy(std::string_view bytes);

/// Returns ok where `bytes` are a TorchScript archive.
/// kInvalidArgument: they are something else; the message says what, and what to do. kDataLoss:
/// torn or damaged.
Status CheckTorchScript(std::string_view bytes);

}  // namespace distill::core
