#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/model/model.h"

namespace distill::core {

/// Loads a trained network to be looked at only: on `device`, channels_last, in evaluation mode,
/// without gradients, its batch norms folded (Model::FuseForInference).
/// kInvalidArgument: the file's weights are not of architecture `name` or not of `num_classes`
/// classes; the message names the file and what differs. Errors of CreateModel() and
/// ReadTensorFile() besides. May throw c10::Error.
Result<std::unique_ptr<Model>> LoadForInference(const std::string& name,
                                                const std::filesystem::path& weights,
                                                int64_t num_classes, const at::Device& device,
                                                const Roots& roots = {});

}  // namespace distill::core
