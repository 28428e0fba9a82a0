#include "tests/fakes/birds_dataset.h"

#include <string>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "distill/worker/v1/worker.pb.h"
#include "server/store/sqlite_job_store.h"

namespace distill::testing {
namespace {

worker::v1::ScanReport ReportOfBirds() {
  worker::v1::ScanReport report;
  report.add_class_names("wren");
  report.add_class_names("tern");
  for (const v1::Split split : {v1::SPLIT_TRAIN, v1::SPLIT_VAL, v1::SPLIT_TEST}) {
    worker::v1::SplitCount& count = *report.add_splits();
    count.set_split(split);
    count.add_images_per_class(3);
    count.add_images_per_class(4);
  }
  for (int channel = 0; channel < 3; ++channel) {
    report.add_mean(0.5);
    report.add_std(0.25);
  }
  return report;
}

// Returns the id of the stored data set.
Result<int64_t> StoreBirds(server::JobStore& store) {
  server::DatasetRecord birds;
  birds.name = "birds";
  birds.owner = "ada";
  DISTILL_ASSIGN_OR_RETURN(birds.id, store.InsertDataset(birds));
  birds.state = server::DatasetState::kReady;
  birds.report = ReportOfBirds().SerializeAsString();
  DISTILL_RETURN_IF_ERROR(store.UpdateDataset(birds));
  return birds.id;
}

}  // namespace

Status AddBirds(server::JobStore& store) { return StoreBirds(store).status(); }

Status AddBirdsTo(const std::filesystem::path& state) {
  server::SqliteJobStoreOptions options;
  options.state_directory = state;
  DISTILL_ASSIGN_OR_RETURN(const auto store, server::OpenSqliteJobStore(options, SystemClock()));
  DISTILL_ASSIGN_OR_RETURN(const int64_t id, StoreBirds(*store));
  const std::filesystem::path folder = state / "datasets" / std::to_string(id);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return ReplaceFile(folder / "manifest.csv", "path,class,split\n");
}

}  // namespace distill::testing
