#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace distill::core {

/// One tensor of a weights file, as bytes: contiguous, row-major, little-endian. Refers to the
/// file's bytes.
struct StoredTensor {
  std::string name;
  std::string dtype;  // as safetensors spells it: "F32", "I64", ...
  std::vector<int64_t> shape;
  std::string_view data;
};

/// Returns how many bytes one element of a dtype takes, or 0 for one that is not known here.
int64_t ElementBytes(std::string_view dtype);

/// The content of a safetensors file that is held in memory: tensors in file order, and the
/// "__metadata__" without the checksums of our writer. Must not outlive the file's bytes.
struct SafetensorsView {
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Whether `bytes` start as a safetensors file does: eight bytes of header length, then "{".
bool LooksLikeSafetensors(std::string_view bytes);

/// Reads the header of a whole safetensors file and checks it. Time and memory are bounded by a
/// small multiple of the size of `bytes`.
/// kInvalidArgument: the header breaks the format, or a dtype is none of ElementBytes().
/// kDataLoss: the file is shorter than its header says, or a checksum of ours differs.
/// REQUIRES: a little-endian machine.
Result<SafetensorsView> ViewSafetensors(std::string_view bytes);

/// Returns what stands before the tensors' data in a safetensors file that holds `view`: eight
/// bytes of length and the header, with the checksums of header and payload that ViewSafetensors
/// compares. kInvalidArgument: a name is used twice, reserved or too long, a dtype is not known, or
/// a text is not UTF-8, or names and metadata are over 100 MB.
Result<std::string> SafetensorsStart(const SafetensorsView& view);

}  // namespace distill::core
