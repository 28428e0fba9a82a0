#pragma once

#include <cstdlib>
#include <filesystem>

namespace distill::core {

/// Returns a folder or file below DISTILL_TEST_DATA, or an empty path where it is not there: then
/// skip the test.
inline std::filesystem::path TestData(const char* name) {
  const char* root = std::getenv("DISTILL_TEST_DATA");
  if (root == nullptr) return {};
  std::error_code error;
  const std::filesystem::path path = std::filesystem::path(root) / name;
  return std::filesystem::exists(path, error) ? path : std::filesystem::path();
}

}  // namespace distill::core
