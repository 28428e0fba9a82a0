#include "server/rpc/dataset_messages.h"

#include <algorithm>
#include <numeric>

#include "server/spec/dataset_facts.h"

namespace distill::server {
namespace {

void FillReport(const worker::v1::ScanReport& report, v1::Dataset& message) {
  *message.mutable_class_names() = report.class_names();
  message.set_manifest_sha256(report.manifest_sha256());
  *message.mutable_mean() = report.mean();
  *message.mutable_std() = report.std();
  message.set_num_bad_files(report.num_bad_files());
  for (const worker::v1::SplitCount& count : report.splits()) {
    v1::SplitCounts& split = *message.add_splits();
    split.set_split(count.split());
    *split.mutable_images_per_class() = count.images_per_class();
    split.set_images(std::accumulate(count.images_per_class().begin(),
                                     count.images_per_class().end(), int64_t{0}));
  }
  const int num_bad = std::min(report.bad_paths_size(), report.bad_reasons_size());
  for (int i = 0; i < num_bad; ++i) {
    v1::BadFile& file = *message.add_bad_files();
    file.set_path(report.bad_paths(i));
    file.set_reason(report.bad_reasons(i));
  }
}

}  // namespace

v1::Dataset ToMessage(const DatasetRecord& dataset) {
  v1::Dataset message;
  message.set_name(dataset.name);
  message.set_path(dataset.path);
  message.set_val_fraction(dataset.val_fraction);
  message.set_test_fraction(dataset.test_fraction);
  message.set_seed(dataset.seed);
  message.set_bad_file_policy(dataset.skips_bad_files ? v1::BAD_FILE_POLICY_SKIP
                                                      : v1::BAD_FILE_POLICY_FAIL);
  message.set_owner(dataset.owner);
  message.set_state(static_cast<v1::DatasetState>(dataset.state));
  message.set_message(dataset.message);
  message.set_created_at_unix_ms(dataset.created_at_unix_ms);
  message.set_files_scanned(dataset.files_scanned);
  message.set_files_total(dataset.files_total);
  const Result<worker::v1::ScanReport> report = ScanReportOf(dataset);
  if (report.ok()) FillReport(*report, message);
  return message;
}

}  // namespace distill::server
