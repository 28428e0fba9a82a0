#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/manifest.h"

namespace distill::core {

struct ScanOptions {
  /// A folder of class folders; a folder with train/ and optionally val/ and test/, each of class
  /// folders; a folder with the files of CIFAR-10 or CIFAR-100 in their binary version
  /// (core/data/cifar_layout.h), each of whose pictures has a path of its own; or a CSV file with
  /// the header path,class,split (paths absolute or beside the file). A class's images may lie in
  /// folders below its own. The classes of NAME.csv are those of its images, which must all be in
  /// train, or those that NAME.classes.txt lists, one a line, with or without images: then a data
  /// set may be for evaluation only, for weights that know more classes than it has pictures of.
  std::filesystem::path path;
  /// Where `path` has no val (test) split, this share of each class's different training images
  /// becomes it: rounded to the nearest, but at least one image where the share is not 0, and never
  /// the last image of train; where they compete test goes first.
  double val_fraction = 0.1;
  double test_fraction = 0.2;
  uint64_t seed = 0;
  int num_threads = 1;
  /// Everything is read inside these folders alone, links resolved as it is opened: images outside
  /// are reported as bad. Empty: they may lie anywhere.
  std::vector<std::filesystem::path> allowed_roots;
};

struct BadImage {
  std::filesystem::path path;
  std::string reason;
};

/// A deviation below this is that of a channel with next to one value everywhere, as of pictures
/// with two channels: half a grey level is 0.002.
constexpr double kLeastStd = 1e-3;

/// Returns what to divide a channel by whose deviation over all pixels is `std`: 1 where it is
/// below kLeastStd.
inline double StdToDivideBy(double std) { return std < kLeastStd ? 1.0 : std; }

struct ScanReport {
  Manifest manifest;                 // of the good images
  std::vector<BadImage> bad_images;  // sorted by path
  int64_t num_ignored_files = 0;     // by their name no images; hidden files are not counted
  std::array<double, 3> mean{};      // over all pixels of the training images, R G B in [0, 1]
  std::array<double, 3> std{};       // deviations, as StdToDivideBy() gives them
};

/// Finds, reads and decodes every image below `options.path`, and splits per class without overlap,
/// as a pure function of (files, options less num_threads). Which split an image falls in depends
/// on its content, its class's images and the seed, not on names. Blocks; `on_progress(done,
/// total)` is called from this thread about every 100 files; when it returns false, stops with
/// kCancelled.
///
/// Bad images are left out and reported, each with its reason, and the scan goes on: files that
/// cannot be read or decoded whole, links that are broken or leave the folder, the same bytes under
/// two labels (every copy), and the same bytes in two splits (the copies outside the more held out
/// one: test before val before train). The same bytes twice in one class and split are allowed and
/// stay together when a split is made.
///
/// kNotFound: no such path. kInvalidArgument: fewer than two classes; a class folder that is empty
/// or a link, or of which no training image is good; a class of val or test that train lacks; a
/// folder beside train/ that is neither val nor test; a class whose name is not UTF-8; a damaged
/// CSV file; damaged or missing files of CIFAR; a fraction out of range. The message names the
/// class, path or line. kPermissionDenied: the data set or a list lies outside allowed_roots.
/// kPermissionDenied, kAborted: a folder or list cannot be read. kResourceExhausted: a list is too
/// large (a CSV file 1 GiB, names 1 MiB).
Result<ScanReport> ScanDataset(const ScanOptions& options,
                               const std::function<bool(int64_t, int64_t)>& on_progress);

}  // namespace distill::core
