#pragma once

#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes MobileNetV2 of width 1.0 (Sandler et al. 2018) as torchvision's mobilenet_v2.
/// Blocks: the outputs of features 3, 6, 13 and 18. See CreateModel.
std::unique_ptr<Model> MakeMobileNetV2(int64_t num_classes);

}  // namespace distill::core
