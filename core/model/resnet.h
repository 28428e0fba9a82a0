#pragma once

#include <array>
#include <memory>

#include "core/model/model.h"

namespace distill::core {

/// Which ResNet.
struct ResNetOptions {
  bool has_bottlenecks = false;
  std::array<int64_t, 4> depths = {};  // residual blocks of layer1 to layer4
};

/// Makes a ResNet (He et al. 2016) as torchvision's, with the stride in the 3x3 convolution of a
/// bottleneck (V1.5). Blocks: the outputs of layer1 to layer4. See CreateModel.
///
/// In training, dropout of 0.2 stands before "fc", which torchvision's does not have: the head of
/// the reference system, and what gives R-Drop two different passes. Evaluation is torchvision's.
std::unique_ptr<Model> MakeResNet(const ResNetOptions& options, int64_t num_classes);

}  // namespace distill::core
