#include "core/data/dataset_scan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/data/dataset_layout.h"
#include "core/data/dataset_split.h"
#include "core/data/image_survey.h"

namespace distill::core {
namespace {

// Joins what the folders say with what the files hold.
class Scan {
 public:
  Scan(const ScanOptions& options, DatasetLayout layout, std::vector<SurveyedImage> surveys)
      : options_(options), layout_(std::move(layout)), surveys_(std::move(surveys)) {}

  Result<ScanReport> Run();

 private:
  bool IsGood(size_t i) const { return surveys_[i].failure.empty(); }
  void RejectConflicts();
  void RejectConflictsAmong(const std::vector<size_t>& copies);
  Status CheckClasses() const;
  Status CheckClass(const std::string& class_name) const;
  void BuildManifest();
  void MakeMissingSplits();
  void ComputePixelStatistics();

  const ScanOptions& options_;
  DatasetLayout layout_;
  std::vector<SurveyedImage> surveys_;  // as layout_.images
  ScanReport report_;
};

Result<ScanReport> Scan::Run() {
  RejectConflicts();
  DISTILL_RETURN_IF_ERROR(CheckClasses());
  BuildManifest();
  if (report_.manifest.entries.empty()) {
    return Status(Code::kInvalidArgument, "no good image in " + options_.path.string());
  }
  MakeMissingSplits();
  ComputePixelStatistics();
  return std::move(report_);
}

void Scan::RejectConflicts() {
  std::map<std::string, std::vector<size_t>> by_content;
  for (size_t i = 0; i < surveys_.size(); ++i) {
    if (IsGood(i)) by_content[surveys_[i].sha256].push_back(i);
  }
  for (const auto& [sha256, copies] : by_content) {
    if (copies.size() > 1) RejectConflictsAmong(copies);
  }
}

// Of the same picture under two labels nobody knows which is right; in two splits it would make
// training see what it is measured with.
void Scan::RejectConflictsAmong(const std::vector<size_t>& copies) {
  const auto& images = layout_.images;
  const FoundImage& first = images[copies.front()];
  const auto relabelled = std::find_if(copies.begin(), copies.end(), [&](size_t i) {
    return images[i].class_name != first.class_name;
  });
  const size_t held_out = *std::max_element(
      copies.begin(), copies.end(),
      [&](size_t left, size_t right) { return images[left].split < images[right].split; });
  for (const size_t i : copies) {
    if (relabelled != copies.end()) {
      const FoundImage& other =
          images[i].class_name == first.class_name ? images[*relabelled] : first;
      surveys_[i].failure = "same bytes under another label: " + other.path.string();
    } else if (images[i].split != images[held_out].split) {
      surveys_[i].failure = "same bytes in split " +
                            std::string(SplitName(images[held_out].split)) + ": " +
                            images[held_out].path.string();
    }
  }
}

Status Scan::CheckClasses() const {
  // Who lists the classes means those without an image, too.
  if (layout_.class_names.size() > 1) return Status::Ok();
  std::set<std::string> class_names;
  for (const FoundImage& image : layout_.images) class_names.insert(image.class_name);
  if (class_names.size() < 2) {
    return {Code::kInvalidArgument, "a data set needs two classes or more, found " +
                                        std::to_string(class_names.size()) + " in " +
                                        options_.path.string()};
  }
  for (const std::string& class_name : class_names) {
    DISTILL_RETURN_IF_ERROR(CheckClass(class_name));
  }
  return Status::Ok();
}

// Every class needs an image to learn from.
Status Scan::CheckClass(const std::string& class_name) const {
  std::optional<size_t> bad_example;
  for (size_t i = 0; i < layout_.images.size(); ++i) {
    const FoundImage& image = layout_.images[i];
    if (image.class_name != class_name || image.split != Split::kTrain) continue;
    if (IsGood(i)) return Status::Ok();
    if (!bad_example) bad_example = i;
  }
  if (!bad_example) {
    return {Code::kInvalidArgument, "class of val or test is not in train: " + class_name};
  }
  return {Code::kInvalidArgument,
          "class has no good training image: " + class_name +
              " (first bad one: " + layout_.images[*bad_example].path.string() + ": " +
              surveys_[*bad_example].failure + ")"};
}

void Scan::BuildManifest() {
  Manifest& manifest = report_.manifest;
  std::map<std::string, int32_t> class_indices;
  for (const FoundImage& image : layout_.images) class_indices[image.class_name] = 0;
  for (const std::string& class_name : layout_.class_names) class_indices[class_name] = 0;
  for (auto& [class_name, index] : class_indices) {
    index = static_cast<int32_t>(manifest.class_names.size());
    manifest.class_names.push_back(class_name);
  }
  report_.bad_images = std::move(layout_.bad_images);
  report_.num_ignored_files = layout_.num_ignored_files;
  for (size_t i = 0; i < layout_.images.size(); ++i) {
    const FoundImage& image = layout_.images[i];
    if (IsGood(i)) {
      manifest.entries.push_back(
          {image.path, class_indices[image.class_name], image.split, surveys_[i].sha256});
    } else {
      report_.bad_images.push_back({image.path, surveys_[i].failure});
    }
  }
  std::sort(report_.bad_images.begin(), report_.bad_images.end(),
            [](const BadImage& left, const BadImage& right) { return left.path < right.path; });
}

void Scan::MakeMissingSplits() {
  const auto fraction_of = [this](Split split, double fraction) {
    return layout_.has_split[static_cast<size_t>(split)] ? 0.0 : fraction;
  };
  const double val_fraction = fraction_of(Split::kVal, options_.val_fraction);
  const double test_fraction = fraction_of(Split::kTest, options_.test_fraction);
  if (val_fraction == 0 && test_fraction == 0) return;
  Manifest& manifest = report_.manifest;
  std::vector<std::vector<ManifestEntry*>> training(manifest.class_names.size());
  for (ManifestEntry& entry : manifest.entries) {
    if (entry.split == Split::kTrain) {
      training[static_cast<size_t>(entry.class_index)].push_back(&entry);
    }
  }
  for (const auto& images : training) {
    SplitClass(images, val_fraction, test_fraction, options_.seed);
  }
}

void Scan::ComputePixelStatistics() {
  uint64_t num_pixels = 0;
  std::array<uint64_t, 3> sum{};
  std::array<uint64_t, 3> sum_of_squares{};
  // Without training images (a data set to evaluate on), of all.
  const std::vector<ManifestEntry>& entries = report_.manifest.entries;
  const bool has_training =
      std::any_of(entries.begin(), entries.end(),
                  [](const ManifestEntry& entry) { return entry.split == Split::kTrain; });
  auto entry = entries.begin();  // one for each good image, in the same order
  for (size_t i = 0; i < surveys_.size(); ++i) {
    if (!IsGood(i)) continue;
    const Split split = (entry++)->split;
    if (has_training && split != Split::kTrain) continue;
    num_pixels += surveys_[i].num_pixels;
    for (size_t c = 0; c < 3; ++c) {
      sum[c] += surveys_[i].sum[c];
      sum_of_squares[c] += surveys_[i].sum_of_squares[c];
    }
  }
  const auto count = static_cast<double>(num_pixels);
  for (size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / count / 255.0;
    const double mean_square = static_cast<double>(sum_of_squares[c]) / count / (255.0 * 255.0);
    report_.mean[c] = mean;
    report_.std[c] = StdToDivideBy(std::sqrt(std::max(mean_square - mean * mean, 0.0)));
  }
}

Status CheckFractions(const ScanOptions& options) {
  const double val = options.val_fraction;
  const double test = options.test_fraction;
  if (val >= 0 && test >= 0 && val + test < 1) return Status::Ok();  // and not NaN
  return {Code::kInvalidArgument,
          "val and test fractions must be 0 or more and less than 1 together: " +
              std::to_string(val) + ", " + std::to_string(test)};
}

}  // namespace

Result<ScanReport> ScanDataset(const ScanOptions& options,
                               const std::function<bool(int64_t, int64_t)>& on_progress) {
  DISTILL_RETURN_IF_ERROR(CheckFractions(options));
  DISTILL_ASSIGN_OR_RETURN(DatasetLayout layout, FindImages(options));
  std::vector<std::filesystem::path> paths;
  paths.reserve(layout.images.size());
  for (const FoundImage& image : layout.images) paths.push_back(image.path);
  DISTILL_ASSIGN_OR_RETURN(
      std::vector<SurveyedImage> surveys,
      SurveyImages(paths, {options.num_threads, options.allowed_roots}, on_progress));
  return Scan(options, std::move(layout), std::move(surveys)).Run();
}

}  // namespace distill::core
