#include "tests/fuzz/replay/replay.h"

#include <algorithm>
#include <iostream>
#include <string>

#include "core/base/durable_file.h"

namespace distill::testing {
namespace {

constexpr size_t kCuts = 32;
constexpr size_t kFlips = 128;

void Feed(FuzzTarget target, const std::string& bytes) {
  // A copy of exactly this size, so that a sanitizer sees what is read behind its end.
  const std::vector<uint8_t> data(bytes.begin(), bytes.end());
  target(data.data(), data.size());
}

void FeedVariants(FuzzTarget target, const std::string& bytes) {
  Feed(target, bytes);
  const size_t size = bytes.size();
  for (size_t i = 0; i < std::min(size, kCuts); ++i) {
    Feed(target, bytes.substr(0, size * i / std::min(size, kCuts)));
  }
  const size_t num_flips = std::min(size, kFlips);
  for (size_t i = 0; i < num_flips; ++i) {
    std::string spoilt = bytes;
    char& byte = spoilt[size * i / num_flips];
    byte = static_cast<char>(byte ^ (1U << (i % 8)));
    Feed(target, spoilt);
  }
}

}  // namespace

int Replay(FuzzTarget target, const std::vector<std::filesystem::path>& folders) {
  int num_files = 0;
  for (const std::filesystem::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const auto bytes = ReadFile(entry.path());
      if (!bytes.ok()) continue;
      std::cerr << entry.path().string() << std::endl;
      FeedVariants(target, *bytes);
      ++num_files;
    }
  }
  return num_files;
}

}  // namespace distill::testing
