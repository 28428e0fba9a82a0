#include "server/job/dataset_scans.h"

#include <filesystem>
#include <system_error>

#include "core/base/log.h"

namespace distill::server {
namespace {

constexpr int kMaxStarts = 3;

RunKey KeyOf(int64_t dataset) { return {RunKey::Kind::kDatasetScan, dataset, 1}; }

}  // namespace

Status DatasetScans::Reconcile() {
  DISTILL_ASSIGN_OR_RETURN(const std::vector<DatasetRecord> datasets, store_.ListDatasets());
  for (const DatasetRecord& dataset : datasets) {
    if (dataset.state != DatasetState::kScanning) continue;
    Scan& scan = scans_[dataset.id];
    scan.dataset = dataset;
    LaunchRequest request;
    request.key = KeyOf(dataset.id);
    request.run_directory = preparer_.DatasetDirectory(dataset.id);
    // What a scan tells may be taken twice: its journal is read from the start.
    const auto process = launcher_.FindRunning(request.run_directory);
    DISTILL_RETURN_IF_ERROR(launcher_.Adopt(request, process.value_or(WorkerProcess{})));
  }
  return Status::Ok();
}

Result<DatasetRecord> DatasetScans::Create(const DatasetRecord& dataset) {
  Scan scan;
  scan.dataset = dataset;
  scan.dataset.state = DatasetState::kScanning;
  DISTILL_ASSIGN_OR_RETURN(scan.dataset.id, store_.InsertDataset(scan.dataset));
  const Status begun = Begin(scan);
  if (!begun.ok()) {
    scan.dataset.state = DatasetState::kFailed;
    scan.dataset.message = "the scan could not be started: " + begun.message();
    DISTILL_RETURN_IF_ERROR(store_.UpdateDataset(scan.dataset));
    return scan.dataset;
  }
  DatasetRecord created = scan.dataset;
  scans_[created.id] = std::move(scan);
  return created;
}

Status DatasetScans::Begin(Scan& scan) {
  ++scan.num_starts;
  scan.outcome.reset();
  scan.exit.reset();
  std::error_code ignored;
  std::filesystem::remove(preparer_.DatasetDirectory(scan.dataset.id) / "journal", ignored);
  DISTILL_ASSIGN_OR_RETURN(LaunchRequest request, preparer_.PrepareScan(scan.dataset));
  request.key = KeyOf(scan.dataset.id);
  request.journal_offset = 0;
  LogInfo("scan started", {{"dataset", scan.dataset.name}, {"start", scan.num_starts}});
  return launcher_.Start(request).status();
}

Result<std::optional<JobId>> DatasetScans::Delete(const std::string& name) {
  DISTILL_ASSIGN_OR_RETURN(const DatasetRecord dataset, store_.FindDataset(name));
  DISTILL_ASSIGN_OR_RETURN(const std::optional<JobId> user, store_.DeleteDataset(name));
  if (user) return user;
  const auto scan = scans_.find(dataset.id);
  if (scan == scans_.end()) {
    RemoveFolder(dataset.id);
    return std::optional<JobId>();
  }
  scan->second.is_deleted = true;
  const Status stopped = launcher_.Stop(KeyOf(dataset.id), StopOrder::kCancel);
  if (!stopped.ok()) LogInfo("scan had ended", {{"dataset", name}});
  return std::optional<JobId>();
}

Status DatasetScans::OnEvents(const RunKey& key, const RunEventBatch& batch) {
  const auto found = scans_.find(key.id);
  if (found == scans_.end() || found->second.is_deleted) return Status::Ok();
  Scan& scan = found->second;
  for (const RunEvent& event : batch.events) {
    if (const auto* progress = std::get_if<ScanProgress>(&event.event)) {
      scan.dataset.files_scanned = progress->files_scanned;
      scan.dataset.files_total = progress->files_total;
    } else if (const auto* finished = std::get_if<ScanFinished>(&event.event)) {
      scan.dataset.report = finished->payload;
    } else if (const auto* outcome = std::get_if<WorkerOutcome>(&event.event)) {
      scan.outcome = *outcome;
    }
  }
  return store_.UpdateDataset(scan.dataset);
}

void DatasetScans::OnExit(const RunKey& key, const WorkerExitStatus& exit) {
  const auto found = scans_.find(key.id);
  if (found == scans_.end()) return;
  found->second.exit = exit;
  RetryEnds();
}

void DatasetScans::RetryEnds() {
  for (auto scan = scans_.begin(); scan != scans_.end();) {
    if (!scan->second.exit) {
      ++scan;
      continue;
    }
    const Status ended = End(scan->second);
    if (!ended.ok()) {
      LogError("end of scan not stored, trying again",
               {{"dataset", scan->second.dataset.name}, {"error", ended.ToString()}});
    }
    const bool is_over = ended.ok() && scan->second.exit.has_value();
    scan = is_over ? scans_.erase(scan) : std::next(scan);
  }
}

// Stores how a scan ended, or begins it again (and then there is no exit any more).
Status DatasetScans::End(Scan& scan) {
  DatasetRecord& dataset = scan.dataset;
  if (scan.is_deleted) {
    RemoveFolder(dataset.id);
    return Status::Ok();
  }
  if (!scan.outcome && scan.num_starts < kMaxStarts) {
    const WorkerExitStatus exit = *scan.exit;
    const Status begun = Begin(scan);
    if (begun.ok()) return Status::Ok();
    scan.exit = exit;
    scan.outcome = WorkerOutcome{JobState::kFailed, Cause::kWorkerLost,
                                 "the scan could not be started again: " + begun.message()};
  }
  const bool has_succeeded = scan.outcome && scan.outcome->state == JobState::kSucceeded;
  dataset.state = has_succeeded ? DatasetState::kReady : DatasetState::kFailed;
  dataset.message = scan.outcome ? scan.outcome->message.Plain()
                                 : "the scan's worker was lost " + std::to_string(kMaxStarts) +
                                       " times; see worker.log in its folder";
  DISTILL_RETURN_IF_ERROR(store_.UpdateDataset(dataset));
  LogInfo("scan ended", {{"dataset", dataset.name}, {"message", dataset.message}});
  return Status::Ok();
}

void DatasetScans::RemoveFolder(int64_t dataset) {
  std::error_code error;
  const std::filesystem::path folder = preparer_.DatasetDirectory(dataset);
  std::filesystem::remove_all(folder, error);
  if (error) LogWarning("folder not removed", {{"path", folder.string()}});
}

}  // namespace distill::server
