#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/dataset_scan.h"
#include "core/data/manifest.h"

namespace distill::core {

/// A file that should hold an image, not yet read.
struct FoundImage {
  std::filesystem::path path;  // absolute
  std::string class_name;
  Split split = Split::kTrain;
};

/// What a data set's folders, or its CSV file, say.
struct DatasetLayout {
  std::vector<FoundImage> images;  // sorted by path
  /// Sorted by name, with classes that have no image. Empty: those of the images.
  std::vector<std::string> class_names;
  std::vector<BadImage> bad_images;
  std::array<bool, kNumSplits> has_split{};  // which splits it makes itself, by Split
  int64_t num_ignored_files = 0;
};

/// Finds the images of a data set, without opening one. Errors as ScanDataset. Blocks on disk.
Result<DatasetLayout> FindImages(const ScanOptions& options);

}  // namespace distill::core
