#pragma once

#include <cstdint>
#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Makes a VGG (Simonyan & Zisserman 2015) for 32x32 pictures as RepDistiller's vgg8_bn
/// (`convolutions_each` 1) and vgg13_bn (2): five blocks of 3x3 convolutions with batch norm, a
/// pooling by 2 between blocks 0 and 1, 1 and 2, 2 and 3, global average pooling and one linear
/// layer. As there, pictures 64 high are pooled between blocks 3 and 4 too, other sizes are not.
///
/// Blocks 1 to 4: the outputs of block1 to block4 after their ReLU, at strides 2, 4, 8 and 8.
/// See CreateModel.
std::unique_ptr<Model> MakeCifarVgg(int64_t convolutions_each, int64_t num_classes);

}  // namespace distill::core
