#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// CIFAR-10 and CIFAR-100 in their "binary version" (Krizhevsky 2009): files of records, each one
/// label byte (CIFAR-100: the coarse, then the fine label) and 32x32 pixels, red, green, then blue.
/// A picture in such a file has a path of its own, "FILE.bin#00017": the number of its record,
/// from 0, in five digits or more.
inline constexpr int kCifarSide = 32;
inline constexpr int64_t kCifarPixelBytes = int64_t{3} * kCifarSide * kCifarSide;

/// A picture in a file of records.
struct CifarPicture {
  std::filesystem::path file;
  int64_t number = 0;
};

/// Returns how many label bytes a record of the file has, by the file's name: 1 for
/// data_batch_N.bin and test_batch.bin, 2 for train.bin and test.bin, 0 for any other.
int CifarLabelBytes(const std::filesystem::path& file);

/// Returns the path of a picture.
std::filesystem::path CifarPicturePath(const std::filesystem::path& file, int64_t number);

/// Returns the picture that `path` is of, or nullopt for a path of another form.
std::optional<CifarPicture> ParseCifarPicturePath(const std::filesystem::path& path);

/// Returns the pixels of a picture as they lie in the file: kCifarPixelBytes bytes. Blocks on disk.
/// kDataLoss: the file has no such record. Further codes as OpenInside(). The message names the
/// picture, or the file.
Result<std::string> ReadCifarPixels(const CifarPicture& picture, const Roots& roots = {});

/// Returns pixels of ReadCifarPixels as a picture. REQUIRES: kCifarPixelBytes of them.
RgbImage CifarImage(std::string_view pixels);

/// Returns the last label byte (the fine label) of every record. Blocks on disk.
/// kInvalidArgument: the file is empty, or cut short within a record; the message names it and the
/// size of a record. Others as ReadFileInside.
Result<std::vector<uint8_t>> ReadCifarLabels(const std::filesystem::path& file,
                                             const Roots& roots = {});

}  // namespace distill::core
