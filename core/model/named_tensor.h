#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace distill::core {

/// What a tensor of a module is for: decides weight decay, averaging and export.
enum class TensorKind {
  kWeight,      ///< a trained weight with weight decay
  kBias,        ///< a trained bias: no decay
  kNormWeight,  ///< a trained scale of a normalisation layer: no decay
  kBuffer,      ///< not trained, e.g. running statistics
};

/// A tensor with its full name, e.g. "features.1.conv.0.0.weight". The tensor is a handle: it
/// shares its storage with the module it came from.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  TensorKind kind = TensorKind::kBuffer;
};

using NamedTensors = std::vector<NamedTensor>;

}  // namespace distill::core
