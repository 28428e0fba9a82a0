#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace distill::testing {

/// The state file of the fake NVML (tests/fakes/fake_nvml.cc): programs started while this object
/// lives see its GPUs. Owned by one thread.
class FakeGpus {
 public:
  explicit FakeGpus(std::filesystem::path file) : file_(std::move(file)) {
    Set({});
    ::setenv("FAKE_NVML_STATE", file_.c_str(), /*overwrite=*/1);
  }
  ~FakeGpus() { ::unsetenv("FAKE_NVML_STATE"); }
  FakeGpus(const FakeGpus&) = delete;
  FakeGpus& operator=(const FakeGpus&) = delete;

  /// Replaces all facts, at once.
  void Set(const std::vector<std::string>& facts) {
    const std::filesystem::path next = file_.string() + ".next";
    {
      std::ofstream stream(next);
      for (const std::string& fact : facts) stream << fact << '\n';
    }
    std::filesystem::rename(next, file_);
  }

 private:
  const std::filesystem::path file_;
};

}  // namespace distill::testing
