#pragma once

#include <cstdint>
#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes a ShuffleNet (Zhang et al. 2018), 3 groups, for 32x32 pictures as RepDistiller's
/// ShuffleV1: a 1x1 convolution at stride 1, layers of 4, 8 and 4 blocks at strides 2, 4 and 8.
/// Other sizes that are multiples of 32 work and are pooled globally too.
///
/// Blocks 1 to 3: the outputs of layer1 to layer3; there is no block 4. See CreateModel.
std::unique_ptr<Model> MakeCifarShuffleNetV1(int64_t num_classes);

/// Makes a ShuffleNetV2 of width 1 (Ma et al. 2018) for 32x32 pictures as RepDistiller's ShuffleV2:
/// a 1x1 convolution at stride 1 without pooling, layers of 4, 8 and 4 blocks at strides 2, 4 and
/// 8, a 1x1 convolution. Sizes and blocks as MakeCifarShuffleNetV1's.
std::unique_ptr<Model> MakeCifarShuffleNetV2(int64_t num_classes);

}  // namespace distill::core
