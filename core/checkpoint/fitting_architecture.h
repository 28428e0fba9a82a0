#pragma once

#include <string_view>

#include "core/model/named_tensor.h"

namespace distill::core {

/// Returns the name of the architecture that a weights file without wrapper prefixes is of: the
/// first that has its tensors by name (ours or timm's) and shape, for whatever number of classes.
/// Empty: none of ours. Builds a network only where the number of parameters fits.
std::string_view FittingArchitecture(const NamedTensors& file);

}  // namespace distill::core
