#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace distill {

/// What is known of an architecture without building it: what the daemon checks a request against.
struct Architecture {
  std::string_view name;              // e.g. "mobilenetv2"
  int64_t parameters;                 // with 1000 classes, as published
  std::array<int, 4> block_channels;  // at strides 4, 8, 16, 32
  int embedding;                      // width of the pre-classifier vector
  /// File looked for in the weights folder by --pretrained: torchvision's (timm's) own file name.
  std::string_view pretrained_file;
  std::string_view pretrained_source;  // where a person gets it
};

/// Returns all architectures that can be trained, in the order of the documentation.
const std::vector<Architecture>& Architectures();

/// Returns the architecture called `name`, or kNotFound with a message that lists those that exist.
Result<Architecture> FindArchitecture(std::string_view name);

}  // namespace distill
