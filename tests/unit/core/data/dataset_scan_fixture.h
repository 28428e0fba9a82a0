#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "core/data/dataset_scan.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/data/image_file.h"

namespace distill::core {

/// A folder to put pictures in, all of them different unless said otherwise.
class DatasetScanFixture : public ::testing::Test {
 protected:
  void Add(const std::string& name) { AddPicture(name, next_picture_++); }

  // Writes picture number `number`, 4x4, whose values are the bits of the number.
  void AddPicture(const std::string& name, int number) const {
    RgbImage image(4, 4);
    for (size_t i = 0; i < 16; ++i) {
      image.pixels[i * 3] = (number >> i) % 2 == 1 ? 255 : 0;
    }
    AddBytes(name, EncodePpm(image));
  }

  void AddBytes(const std::string& name, std::string_view bytes) const {
    ASSERT_OK(WriteFile(root() / name, bytes));
  }

  void AddClass(const std::string& folder, int count) {
    for (int i = 0; i < count; ++i) Add(folder + "/" + std::to_string(i) + ".ppm");
  }

  // Canonical, as the scan gives its paths.
  std::filesystem::path root() const { return std::filesystem::canonical(dir_.path()); }

  ScanOptions Options() const {
    ScanOptions options;
    options.path = root();
    return options;
  }

  Result<ScanReport> Scan() const { return ScanDataset(Options(), {}); }

 private:
  testing::TempDir dir_;
  int next_picture_ = 1;
};

}  // namespace distill::core
