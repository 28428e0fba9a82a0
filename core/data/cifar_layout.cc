#include "core/data/cifar_layout.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/data/cifar_file.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;

/// Which files make up one of the two.
struct CifarDistribution {
  const char* name;
  std::vector<std::string> train;
  std::string test;
  std::string class_names;
  std::vector<std::string> python_version;  // files of that, none of the other's
};

const std::vector<CifarDistribution>& Distributions() {
  static const std::vector<CifarDistribution> distributions = {
      {"CIFAR-10",
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
        "data_batch_5.bin"},
       "test_batch.bin",
       "batches.meta.txt",
       {"data_batch_1", "batches.meta"}},
      {"CIFAR-100", {"train.bin"}, "test.bin", "fine_label_names.txt", {"meta", "train"}}};
  return distributions;
}

// A link that leads out of the roots counts too, whatever it leads to: reading it is refused.
bool HasFile(const fs::path& folder, const std::string& name, const Roots& roots) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder / name, error);
  if (!fs::is_symlink(status)) return fs::is_regular_file(status);
  const Status opened = OpenInside(folder / name, roots).status();
  return opened.ok() || opened.code() == Code::kPermissionDenied;
}

std::vector<std::string> FilesOf(const CifarDistribution& distribution) {
  std::vector<std::string> files = distribution.train;
  files.push_back(distribution.test);
  files.push_back(distribution.class_names);
  return files;
}

bool HasAny(const fs::path& folder, const std::vector<std::string>& names, const Roots& roots) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return HasFile(folder, name, roots); });
}

bool IsPythonVersion(const fs::path& folder, const CifarDistribution& distribution,
                     const Roots& roots) {
  const std::vector<std::string>& names = distribution.python_version;
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return HasFile(folder, name, roots); });
}

Status Invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// Collects the pictures of one of the two.
class CifarReader {
 public:
  CifarReader(fs::path folder, const CifarDistribution& distribution, const Roots& roots)
      : folder_(std::move(folder)), distribution_(distribution), roots_(roots) {}

  Result<DatasetLayout> Run();

 private:
  Status CheckFiles() const;
  Status ReadClassNames();
  Status AddFile(const std::string& name, Split split);
  void CountIgnoredFiles();

  const fs::path folder_;
  const CifarDistribution& distribution_;
  const Roots& roots_;
  std::vector<std::string> class_names_;  // by label
  DatasetLayout layout_;
};

Result<DatasetLayout> CifarReader::Run() {
  DISTILL_RETURN_IF_ERROR(CheckFiles());
  DISTILL_RETURN_IF_ERROR(ReadClassNames());
  for (const std::string& name : distribution_.train) {
    DISTILL_RETURN_IF_ERROR(AddFile(name, Split::kTrain));
  }
  DISTILL_RETURN_IF_ERROR(AddFile(distribution_.test, Split::kTest));
  layout_.has_split[static_cast<size_t>(Split::kTrain)] = true;
  layout_.has_split[static_cast<size_t>(Split::kTest)] = true;
  CountIgnoredFiles();
  return std::move(layout_);
}

Status CifarReader::CheckFiles() const {
  std::string missing;
  for (const std::string& name : FilesOf(distribution_)) {
    if (!HasFile(folder_, name, roots_)) missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return Status::Ok();
  return Invalid(folder_.string() + " holds files of " + distribution_.name + ", but not " +
                 missing);
}

Status CifarReader::ReadClassNames() {
  constexpr uint64_t kMaxBytes = uint64_t{1} << 20U;
  const fs::path path = folder_ / distribution_.class_names;
  DISTILL_ASSIGN_OR_RETURN(const std::string text, ReadFileInside(path, roots_, kMaxBytes));
  std::set<std::string> seen;
  std::string name;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    name = text.substr(begin, end - begin);
    while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
    begin = end + 1;
    if (name.empty()) continue;  // the published list of CIFAR-10 ends in an empty line
    if (!seen.insert(name).second) return Invalid(path.string() + ": named twice: " + name);
    class_names_.push_back(name);
  }
  if (class_names_.empty()) return Invalid(path.string() + ": names no class");
  return Status::Ok();
}

Status CifarReader::AddFile(const std::string& name, Split split) {
  const fs::path path = folder_ / name;
  DISTILL_ASSIGN_OR_RETURN(const std::vector<uint8_t> labels, ReadCifarLabels(path, roots_));
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= class_names_.size()) {
      return Invalid(path.string() + ": picture " + std::to_string(i) + " has the label " +
                     std::to_string(labels[i]) + ", but " + distribution_.class_names + " names " +
                     std::to_string(class_names_.size()) + " classes, from 0");
    }
    layout_.images.push_back(
        {CifarPicturePath(path, static_cast<int64_t>(i)), class_names_[labels[i]], split});
  }
  return Status::Ok();
}

void CifarReader::CountIgnoredFiles() {
  const std::vector<std::string> known = FilesOf(distribution_);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    if (!is_known && name.front() != '.') ++layout_.num_ignored_files;
  }
}

}  // namespace

bool LooksLikeCifar(const fs::path& folder, const Roots& roots) {
  const std::vector<CifarDistribution>& all = Distributions();
  return std::any_of(all.begin(), all.end(), [&](const CifarDistribution& distribution) {
    return HasAny(folder, FilesOf(distribution), roots) ||
           IsPythonVersion(folder, distribution, roots);
  });
}

Result<DatasetLayout> FindCifarPictures(const fs::path& folder, const Roots& roots) {
  const CifarDistribution* found = nullptr;
  for (const CifarDistribution& distribution : Distributions()) {
    if (!HasAny(folder, FilesOf(distribution), roots)) continue;
    if (found != nullptr) {
      return Invalid(folder.string() +
                     " holds files of both CIFAR-10 and CIFAR-100; keep each in a "
                     "folder of its own");
    }
    found = &distribution;
  }
  if (found != nullptr) return CifarReader(folder, *found, roots).Run();
  return Invalid(folder.string() +
                 " holds the Python version of CIFAR, whose files are programs "
                 "for pickle; take the binary version from the same page");
}

}  // namespace distill::core
