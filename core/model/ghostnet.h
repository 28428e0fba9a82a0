#pragma once

#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes GhostNet of width 1.0 (Han et al. 2020) as timm's ghostnet_100. Blocks: the outputs of
/// blocks 2, 4, 6 and 8 (the wide 1x1 convolution after the last bottleneck is not one). The
/// embedding is what the classifier sees: 1280 wide, after conv_head. See CreateModel.
std::unique_ptr<Model> MakeGhostNet(int64_t num_classes);

}  // namespace distill::core
