#include "core/worker/scan_run.h"

#include <algorithm>
#include <string>

#include "core/data/dataset_scan.h"
#include "core/data/manifest.h"

namespace distill::core {
namespace {

constexpr size_t kMaxListedFiles = 100;

v1::Split ToMessage(Split split) {
  switch (split) {
    case Split::kTrain:
      return v1::SPLIT_TRAIN;
    case Split::kVal:
      return v1::SPLIT_VAL;
    case Split::kTest:
      return v1::SPLIT_TEST;
  }
  return v1::SPLIT_UNSPECIFIED;
}

// What is wrong with a data set, and nothing that could be trained on.
worker::v1::ScanReport FaultsOf(const ScanReport& report) {
  worker::v1::ScanReport message;
  const size_t listed = std::min(report.bad_images.size(), kMaxListedFiles);
  for (size_t i = 0; i < listed; ++i) {
    message.add_bad_paths(report.bad_images[i].path.string());
    message.add_bad_reasons(report.bad_images[i].reason);
  }
  message.set_num_bad_files(static_cast<int64_t>(report.bad_images.size()));
  message.set_num_files(
      static_cast<int64_t>(report.manifest.entries.size() + report.bad_images.size()));
  return message;
}

worker::v1::ScanReport ToMessage(const ScanReport& report) {
  worker::v1::ScanReport message = FaultsOf(report);
  const Manifest& manifest = report.manifest;
  for (const std::string& name : manifest.class_names) message.add_class_names(name);
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    auto& counts = *message.add_splits();
    counts.set_split(ToMessage(split));
    for (const int64_t count : manifest.ImagesPerClass(split)) counts.add_images_per_class(count);
  }
  message.set_manifest_sha256(ManifestSha256(manifest));
  for (const double value : report.mean) message.add_mean(value);
  for (const double value : report.std) message.add_std(value);
  return message;
}

}  // namespace

Status RunScan(const worker::v1::ScanTask& task, int num_threads, JournalWriter& journal) {
  ScanOptions options;
  options.path = task.path();
  options.val_fraction = task.val_fraction();
  options.test_fraction = task.test_fraction();
  options.seed = static_cast<uint64_t>(task.seed());
  options.num_threads = num_threads;
  options.allowed_roots.assign(task.allowed_roots().begin(), task.allowed_roots().end());
  journal.OnStart({});
  DISTILL_ASSIGN_OR_RETURN(const ScanReport report,
                           ScanDataset(options, [&](int64_t done, int64_t total) {
                             journal.WriteScanProgress(done, total);
                             return !journal.ShouldStop();
                           }));
  if (!task.skips_bad_files() && !report.bad_images.empty()) {
    journal.WriteScanReport(FaultsOf(report));
    const BadImage& first = report.bad_images.front();
    return {Code::kFailedPrecondition,
            std::to_string(report.bad_images.size()) + " bad files, first " + first.path.string() +
                ": " + first.reason +
                "; mend or remove them, or add the data set again with --bad-files skip"};
  }
  const Status written = WriteManifest(task.manifest(), report.manifest);
  if (!written.ok()) return {Code::kAborted, written.message()};
  journal.WriteScanReport(ToMessage(report));
  return Status::Ok();
}

}  // namespace distill::core
