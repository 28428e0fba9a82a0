#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// The content of a weights file: tensors on the CPU, in file order, and text metadata.
struct TensorFile {
  NamedTensors tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a weights file, whatever its kind (found by content, not by name): safetensors; PyTorch's
/// zip form or legacy pickle form holding a state_dict, bare or wrapped; a training checkpoint of
/// ours, of which the network is taken (NetworkOf() in training_checkpoint.h). Nothing in a file is
/// ever executed: pickles are read by an interpreter that knows tensors, containers and plain
/// values only. Blocks on disk. kNotFound: no such file. kInvalidArgument: not a weights file, or
/// one that must be converted first (the message says what it is and how). kDataLoss: torn or
/// damaged. kFailedPrecondition: a training checkpoint of a newer version of this program. Further
/// codes as ReadFileInside().
Result<TensorFile> ReadTensorFile(const std::filesystem::path& path, const Roots& roots = {});

/// Looks into a file that is to be run as TorchScript, and runs nothing. Blocks on disk.
/// kNotFound: no such file. kInvalidArgument: it is something else, e.g. weights alone; the message
/// says what, and what to do. kDataLoss: torn or damaged. Further codes as ReadFileInside().
Status CheckTorchScriptFile(const std::filesystem::path& path, const Roots& roots = {});

/// Parses the content of a weights file, held in memory. Errors as ReadTensorFile's.
Result<TensorFile> ParseTensorFile(std::string_view bytes);

/// Writes `content` as a safetensors file: atomically (core/base/durable_file.h), durable on
/// return. Tensors may be on any device and in any layout; the file holds them contiguous, in the
/// order given. The file's "__metadata__" also gets "payload_crc32c", which ReadTensorFile checks.
/// kResourceExhausted: the disk is full; an old file at `path` is unchanged.
Status WriteSafetensors(const std::filesystem::path& path, const TensorFile& content);

}  // namespace distill::core
