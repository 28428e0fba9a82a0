#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace distill {

/// What is known of an architecture without building it: what the daemon checks a request against.
struct Architecture {
  std::string_view name;  // e.g. "mobilenetv2"
  int64_t parameters;     // with `published_classes`, as published
  /// Of blocks 1 to 4 (see num_blocks).
  std::array<int, 4> block_channels;
  int embedding;  // width of the pre-classifier vector
  /// File looked for in the weights folder by --pretrained: torchvision's (timm's) own file name.
  /// Empty: no weights are published that initial weights are commonly taken from.
  std::string_view pretrained_file;
  std::string_view pretrained_source;  // where a person gets it
  /// The side of the pictures that it was designed for, and the default of Input.image_size.
  int image_size = 224;
  int published_classes = 1000;
  /// Of blocks 1 to 4 against the picture. Networks for large pictures have one block for each of
  /// these; those for 32x32 pictures have the stages that their published code distils from.
  std::array<int, 4> block_strides = {4, 8, 16, 32};

  /// Returns how many blocks it has: 4, or 3 where the network has three stages.
  int num_blocks() const { return block_channels.back() == 0 ? 3 : 4; }
};

/// The name, in place of an architecture, of teachers that are TorchScript programs: networks of
/// any architecture, which only a teacher can be.
inline constexpr std::string_view kTorchScript = "torchscript";

/// Returns all architectures that can be trained, in the order of the documentation.
const std::vector<Architecture>& Architectures();

/// Returns the architecture called `name`, or kNotFound with a message that lists those that exist.
Result<Architecture> FindArchitecture(std::string_view name);

}  // namespace distill
