#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/model/model.h"
#include "core/model/residual_block.h"

namespace distill::core {

/// Whose names of tensors, and whose fresh weights, a network has.
enum class CifarResNetStyle {
  kRepDistiller,      ///< models/resnet.py: "downsample" and "fc"
  kRepDistillerDeep,  ///< models/resnetv2.py: "shortcut" and "linear"
  kAkamaster,         ///< pytorch_resnet_cifar10: option A, "linear"; normal of fan-in
};

/// Which ResNet for small pictures.
struct CifarResNetOptions {
  CifarResNetStyle style = CifarResNetStyle::kRepDistiller;
  bool has_bottlenecks = false;
  std::vector<int64_t> depths;  // residual blocks of layer1, layer2, ...: three or four
  int64_t stem_channels = 16;
  int64_t first_width = 16;  // channels of layer1's 3x3 convolutions; doubled by each further layer
};

/// Makes a ResNet for 32x32 pictures (He et al. 2016, section 4.2): a 3x3 convolution of stride 1
/// without pooling, then layers at strides 1, 2, 4 (and 8), global average pooling, a linear layer.
/// Other sizes that are multiples of 32 work and are pooled globally too.
///
/// Blocks: the outputs of layer1, layer2, ..., after their ReLU, as RepDistiller's features; with
/// three layers there is no block 4. Tensors have the names of the published code (see the style).
/// See CreateModel.
std::unique_ptr<Model> MakeCifarResNet(const CifarResNetOptions& options, int64_t num_classes);

}  // namespace distill::core
