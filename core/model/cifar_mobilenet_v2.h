#pragma once

#include <cstdint>
#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes MobileNetV2 of half width for 32x32 pictures as RepDistiller's mobile_half: expansion 6,
/// the first stage at stride 1, ReLU instead of ReLU6, an expanding convolution in every block, no
/// dropout. Other sizes that are multiples of 32 work and are pooled globally too.
///
/// Blocks 1 to 4: the outputs of blocks.1, blocks.2, blocks.4 and blocks.6, which end in a batch
/// norm, at strides 2, 4, 8 and 16. See CreateModel.
std::unique_ptr<Model> MakeCifarMobileNetV2(int64_t num_classes);

}  // namespace distill::core
