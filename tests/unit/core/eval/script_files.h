#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/oracle/torchscript/torchscript_goldens.h"

namespace distill::testing {

/// Returns a program of tests/oracle/torchscript/make_fixtures.py.
inline std::filesystem::path ScriptFile(const std::string& name) {
  return std::filesystem::path(DISTILL_TORCHSCRIPT_FIXTURES) / name;
}

/// The images of the golden values: [2, 3, 32, 32], in [0, 1].
inline at::Tensor ScriptPixels() {
  constexpr int64_t kSide = 32;
  const at::Tensor places = at::arange(2 * 3 * kSide * kSide, at::kDouble);
  return ((places * 0.37).sin() * 0.5 + 0.5).to(at::kFloat).view({2, 3, kSide, kSide});
}

/// Returns whether all values are within 1e-5 of PyTorch's.
inline bool EqualsGolden(const at::Tensor& tensor, const std::vector<double>& golden) {
  const at::Tensor expected = at::tensor(golden, at::kDouble).view(tensor.sizes());
  return at::allclose(tensor.to(at::kDouble), expected, 1e-5, 1e-5);
}

}  // namespace distill::testing
