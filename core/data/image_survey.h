#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"

namespace distill::core {

/// What reading an image tells about it.
struct SurveyedImage {
  std::string failure;  // why it cannot be used; empty = it can
  std::string sha256;   // of the file's bytes; of a picture of CIFAR, of its pixels' bytes
  uint64_t num_pixels = 0;
  std::array<uint64_t, 3> sum{};  // over its pixels, R G B in 0..255
  std::array<uint64_t, 3> sum_of_squares{};
};

struct SurveyOptions {
  int num_threads = 1;
  Roots roots{};  // that files are read from
};

/// Reads and decodes every file, in `num_threads` threads that end before it returns. The result is
/// in the order of `paths` and does not depend on the threads. `on_progress` as in ScanDataset; it
/// may be empty. Blocks. kCancelled: on_progress returned false.
Result<std::vector<SurveyedImage>> SurveyImages(
    const std::vector<std::filesystem::path>& paths, const SurveyOptions& options,
    const std::function<bool(int64_t, int64_t)>& on_progress);

}  // namespace distill::core
