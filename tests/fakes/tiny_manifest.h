#pragma once

#include <cstdint>
#include <filesystem>

#include "core/data/dataset_scan.h"
#include "tests/fakes/tiny_dataset.h"
#include "tests/matchers/status_matchers.h"

namespace distill::testing {

/// Writes the images of WriteTinyDataset() beside `path`, and to `path` their manifest, without a
/// test split.
inline void WriteTinyManifest(const std::filesystem::path& path, int num_classes,
                              int images_per_class, double val_fraction = 0.25) {
  core::ScanOptions scan;
  scan.path = path.string() + "-images";
  scan.val_fraction = val_fraction;
  scan.test_fraction = 0;
  WriteTinyDataset(scan.path, num_classes, images_per_class);
  const auto report = core::ScanDataset(scan, [](int64_t, int64_t) { return true; });
  ASSERT_OK(report);
  ASSERT_OK(core::WriteManifest(path, report->manifest));
}

}  // namespace distill::testing
