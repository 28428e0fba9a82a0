#pragma once

#include <string>
#include <vector>

#include "core/model/named_tensor.h"

namespace distill::core {

/// Returns the names that timm's definition of a network gives to the tensors of `state`, the
/// network's own in torchvision's form, in the same order. Names are equal but for MobileNetV2 and
/// EfficientNetV2 (timm's ResNets have torchvision's names, and our GhostNet has timm's).
std::vector<std::string> TimmNames(const NamedTensors& state);

}  // namespace distill::core
