#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace distill::core {

enum class Split : uint8_t { kTrain = 0, kVal = 1, kTest = 2 };
inline constexpr size_t kNumSplits = 3;

/// Returns "train", "val" or "test".
std::string_view SplitName(Split split);

/// Returns the split of that name, or nullopt.
std::optional<Split> ParseSplit(std::string_view name);

/// One labelled image.
struct ManifestEntry {
  std::filesystem::path path;  // absolute; of a picture of CIFAR: core/data/cifar_file.h
  int32_t class_index = 0;     // into Manifest::class_names
  Split split = Split::kTrain;
  std::string sha256;  // of the file's bytes (CIFAR: of the picture's)
};

/// A data set: its classes, sorted by name, and its images, sorted by path.
struct Manifest {
  std::vector<std::string> class_names;
  std::vector<ManifestEntry> entries;

  /// Returns the entries of one split, in order.
  std::vector<ManifestEntry> EntriesOf(Split split) const;
  /// Returns how many images of each class `split` has.
  std::vector<int64_t> ImagesPerClass(Split split) const;
};

/// Reads a manifest file written by WriteManifest. Blocks on disk.
/// kNotFound, kDataLoss: absent, or damaged (the message names the line).
Result<Manifest> ReadManifest(const std::filesystem::path& path);

/// Writes `manifest` atomically and durably: CSV with a header line, one image a line
/// (path,class,split,sha256), and of a class without an image a line with nothing but its name.
/// kInvalidArgument: what could not be read back, as class names that are not sorted, a relative
/// path or an entry without its hash.
Status WriteManifest(const std::filesystem::path& path, const Manifest& manifest);

/// Returns the hash that names a data set: SHA-256 over the class names and, in order, every
/// entry's class, split and content. Paths are left out: the same data in another folder have the
/// same hash.
std::string ManifestSha256(const Manifest& manifest);

}  // namespace distill::core
