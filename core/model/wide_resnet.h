#pragma once

#include <cstdint>
#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes a wide residual network (Zagoruyko & Komodakis 2016) for 32x32 pictures, of `depth` 6n+4
/// layers and the width `widening`, as RepDistiller's wrn.py and under its names: pre-activation
/// blocks at strides 1, 2 and 4, no dropout. Other sizes that are multiples of 32 work.
///
/// Blocks 1 to 3: the outputs of block1, block2 and block3, before the batch norm and ReLU that
/// follow, as RepDistiller's features; there is no block 4. See CreateModel.
std::unique_ptr<Model> MakeWideResNet(int64_t depth, int64_t widening, int64_t num_classes);

}  // namespace distill::core
