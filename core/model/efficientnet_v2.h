#pragma once

#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Which EfficientNetV2.
enum class EfficientNetV2Size { kSmall, kMedium, kLarge };

/// Makes an EfficientNetV2 (Tan & Le 2021) as torchvision's efficientnet_v2_s, _m or _l.
/// Blocks: the last layer of `features` at strides 4, 8, 16 and 32. See CreateModel.
std::unique_ptr<Model> MakeEfficientNetV2(EfficientNetV2Size size, int64_t num_classes);

}  // namespace distill::core
