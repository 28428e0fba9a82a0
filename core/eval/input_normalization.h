#pragma once

#include <array>

namespace distill::core {

/// Per channel (R, G, B): a network sees (pixel / 255 - mean) / std.
struct InputNormalization {
  std::array<double, 3> mean{};
  std::array<double, 3> std{1, 1, 1};

  bool operator==(const InputNormalization& other) const {
    return mean == other.mean && std == other.std;
  }
};

}  // namespace distill::core
