#include "server/spec/dataset_facts.h"

#include <filesystem>
#include <numeric>
#include <system_error>

#include "server/spec/name_rules.h"
#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

constexpr double kDefaultValFraction = 0.1;
constexpr double kDefaultTestFraction = 0.2;

// A folder that has no train/ holds class folders, and needs a test split of its own.
bool HoldsClassFolders(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) &&
         !std::filesystem::is_directory(std::filesystem::path(path) / "train", error);
}

void CheckFraction(const std::string& field, double fraction, ViolationList& violations) {
  if (fraction >= 0 && fraction < 1) return;
  violations.Add(field, NumberText(fraction), "must be at least 0 and less than 1");
}

}  // namespace

Result<worker::v1::ScanReport> ScanReportOf(const DatasetRecord& dataset) {
  worker::v1::ScanReport report;
  if (!report.ParseFromString(dataset.report)) {
    return Status(Code::kDataLoss, "the stored report of a data set is damaged: " + dataset.name);
  }
  return report;
}

int64_t ImagesIn(const worker::v1::ScanReport& report, v1::Split split) {
  int64_t images = 0;
  for (const worker::v1::SplitCount& count : report.splits()) {
    if (count.split() != split) continue;
    images += std::accumulate(count.images_per_class().begin(), count.images_per_class().end(),
                              int64_t{0});
  }
  return images;
}

DatasetRecord ResolveDataset(const v1::Dataset& given, const std::string& owner,
                             const FileLocator& files, ViolationList& violations) {
  DatasetRecord record;
  record.name = given.name();
  record.owner = owner;
  record.seed = given.seed();
  if (!IsName(given.name())) {
    violations.Add("dataset.name", given.name(),
                   "must start with a letter or digit and hold at most 63 letters, digits, '.', "
                   "'_' and '-'");
  }
  Result<std::string> path = files.FindDataset(given.path());
  if (path.ok()) {
    record.path = *path;
  } else {
    violations.Add("dataset.path", given.path(), path.status().message());
  }
  record.val_fraction = given.has_val_fraction() ? given.val_fraction() : kDefaultValFraction;
  record.test_fraction = given.test_fraction();
  if (!given.has_test_fraction() && HoldsClassFolders(record.path)) {
    record.test_fraction = kDefaultTestFraction;
  }
  CheckFraction("dataset.val_fraction", record.val_fraction, violations);
  CheckFraction("dataset.test_fraction", record.test_fraction, violations);
  if (record.val_fraction + record.test_fraction >= 1) {
    violations.Add("dataset.test_fraction", NumberText(record.test_fraction),
                   "val_fraction and test_fraction must add up to less than 1");
  }
  const v1::BadFilePolicy policy =
      given.has_bad_file_policy() ? given.bad_file_policy() : v1::BAD_FILE_POLICY_FAIL;
  CheckEnum("dataset.bad_file_policy", policy, v1::BadFilePolicy_IsValid, violations);
  record.skips_bad_files = policy == v1::BAD_FILE_POLICY_SKIP;
  if (record.seed < 0) {
    violations.Add("dataset.seed", std::to_string(record.seed), "must not be negative");
  }
  return record;
}

}  // namespace distill::server
