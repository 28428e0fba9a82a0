#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "core/format/safetensors_view.h"

namespace distill::core {

/// Writes the tensors of `weights` as torch.save(model.state_dict(), path) would: a zip archive
/// with a pickle of protocol 2 that names nothing but tensors, so that torch.load(path,
/// weights_only=True) reads it. Names, order and dtypes are those of `weights`. Its metadata lie
/// beside the pickle, as JSON, in the record "lineage.json", which PyTorch passes over.
/// Atomic, durable on return; whom the umask lets may read it. Blocks on disk.
/// kResourceExhausted: the disk is full. kInvalidArgument: over 4 GiB, or a dtype that PyTorch
/// lacks.
Status WriteStateDictFile(const std::filesystem::path& path, const SafetensorsView& weights);

}  // namespace distill::core
