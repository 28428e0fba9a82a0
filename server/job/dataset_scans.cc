#include "server/job/dataset_scans.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/log.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxStarts = 3;
constexpr int64_t kMaxScansAtOnce = 2;
constexpr int64_t kMaxOpenScansPerUser = 10;
// Stands in the folder of a data set whose row is about to be deleted, while its worker lives.
constexpr char kDeletedMark[] = "deleted";

RunKey KeyOf(int64_t dataset) { return {RunKey::Kind::kDatasetScan, dataset, 1}; }

// Returns the id of the data set whose folder has this name, or 0.
int64_t IdOfFolder(const std::string& name) {
  int64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() && id > 0 ? id : 0;
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

Status DatasetScans::Reconcile() {
  DISTILL_ASSIGN_OR_RETURN(const std::vector<DatasetRecord> datasets, store_.ListDatasets());
  std::set<int64_t> known;
  for (const DatasetRecord& dataset : datasets) {
    known.insert(dataset.id);
    if (dataset.state != DatasetState::kScanning) continue;
    Scan& scan = scans_[dataset.id];
    scan.dataset = dataset;
    const fs::path folder = preparer_.DatasetDirectory(dataset.id);
    scan.is_waiting = !Exists(folder / "spec.json");
    if (scan.is_waiting) continue;
    DISTILL_RETURN_IF_ERROR(TakeOver(scan, launcher_.FindRunning(folder)));
  }
  DISTILL_RETURN_IF_ERROR(StopForgotten(known));
  RetryEnds();
  return Status::Ok();
}

// Follows the worker of a scan, which may be gone. What a scan tells may be taken twice: its
// journal is read from the start.
Status DatasetScans::TakeOver(Scan& scan, const std::optional<WorkerProcess>& process) {
  LaunchRequest request;
  request.key = KeyOf(scan.dataset.id);
  request.run_directory = preparer_.DatasetDirectory(scan.dataset.id);
  return launcher_.Adopt(request, process.value_or(WorkerProcess{}));
}

// A daemon that ended within the grace period of a scan that it was stopping left its worker and
// its folder. A folder without a row and without the mark may be of a restored backup: it stays.
Status DatasetScans::StopForgotten(const std::set<int64_t>& known) {
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(preparer_.DatasetDirectory(0).parent_path(), error)) {
    const int64_t id = IdOfFolder(entry.path().filename().string());
    if (id == 0 || known.count(id) > 0) continue;
    const bool is_marked = Exists(entry.path() / kDeletedMark);
    const auto process = launcher_.FindRunning(entry.path());
    if (!is_marked && !process) continue;
    LogInfo("scan of a deleted data set", {{"dataset", id}, {"runs", process.has_value()}});
    Scan& scan = scans_[id];
    scan.dataset.id = id;
    scan.is_deleted = true;
    scan.keeps_folder = !is_marked;
    DISTILL_RETURN_IF_ERROR(TakeOver(scan, process));
    if (process) DISTILL_RETURN_IF_ERROR(launcher_.Stop(KeyOf(id), StopOrder::kCancel));
  }
  return Status::Ok();
}

Status DatasetScans::CheckRoomFor(const DatasetRecord& dataset) {
  const auto open = std::count_if(scans_.begin(), scans_.end(), [&](const auto& scan) {
    return !scan.second.is_deleted && scan.second.dataset.owner == dataset.owner;
  });
  // A name that is taken is told as that.
  if (open < kMaxOpenScansPerUser) return Status::Ok();
  const Result<DatasetRecord> there = store_.FindDataset(dataset.name);
  if (there.ok() && there->state != DatasetState::kFailed) return Status::Ok();
  return {Code::kResourceExhausted,
          dataset.owner + " has " + std::to_string(open) +
              " data sets that are scanned or wait for it, as many as a user may have; add more "
              "when some of them are ready"};
}

Result<DatasetRecord> DatasetScans::Create(const DatasetRecord& dataset) {
  DISTILL_RETURN_IF_ERROR(CheckRoomFor(dataset));
  Scan scan;
  scan.dataset = dataset;
  scan.dataset.state = DatasetState::kScanning;
  scan.is_waiting = true;
  DISTILL_ASSIGN_OR_RETURN(const int64_t id, store_.InsertDataset(scan.dataset));
  scan.dataset.id = id;
  scans_[id] = std::move(scan);
  RetryEnds();
  const auto open = scans_.find(id);
  if (open != scans_.end()) return open->second.dataset;
  return store_.FindDataset(dataset.name);
}

bool DatasetScans::StartWaiting() {
  auto num_running = std::count_if(scans_.begin(), scans_.end(),
                                   [](const auto& scan) { return !scan.second.is_waiting; });
  bool has_failed = false;
  for (auto& [id, scan] : scans_) {
    if (num_running >= kMaxScansAtOnce) break;
    if (!scan.is_waiting) continue;
    scan.is_waiting = false;
    const Status begun = Begin(scan);
    if (begun.ok()) {
      ++num_running;
      continue;
    }
    has_failed = true;
    scan.exit = WorkerExitStatus{};
    scan.outcome = WorkerOutcome{JobState::kFailed, Cause::kWorkerLost,
                                 "the scan could not be started: " + begun.message()};
  }
  return has_failed;
}

Status DatasetScans::Begin(Scan& scan) {
  ++scan.num_starts;
  scan.outcome.reset();
  scan.exit.reset();
  scan.dataset.report.clear();
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
  const auto scan = scans_.find(dataset.id);
  const bool has_worker = scan != scans_.end() && !scan->second.is_waiting;
  const fs::path mark = preparer_.DatasetDirectory(dataset.id) / kDeletedMark;
  if (has_worker) {
    // The worker outlives the row: the next daemon must know it by something else.
    const Status marked = ReplaceFile(mark, "");
    if (!marked.ok()) LogWarning("no mark of deletion", {{"error", marked.ToString()}});
  }
  Result<std::optional<JobId>> user = store_.DeleteDataset(name);
  if (!user.ok() || user->has_value()) {
    std::error_code ignored;
    fs::remove(mark, ignored);
    return user;
  }
  if (!has_worker) {
    if (scan != scans_.end()) scans_.erase(scan);
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
  do {
    EndGone();
  } while (StartWaiting());
}

void DatasetScans::EndGone() {
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

// Stores how a scan ended, or lets it wait to begin again (and then there is no exit any more).
Status DatasetScans::End(Scan& scan) {
  DatasetRecord& dataset = scan.dataset;
  if (scan.is_deleted) {
    if (!scan.keeps_folder) RemoveFolder(dataset.id);
    return Status::Ok();
  }
  if (!scan.outcome && scan.num_starts < kMaxStarts) {
    scan.is_waiting = true;
    scan.exit.reset();
    return Status::Ok();
  }
  const bool has_succeeded = scan.outcome && scan.outcome->state == JobState::kSucceeded;
  const bool lacks_report = has_succeeded && dataset.report.empty();
  dataset.state = has_succeeded && !lacks_report ? DatasetState::kReady : DatasetState::kFailed;
  dataset.message = scan.outcome ? scan.outcome->message.Plain()
                                 : "the scan's worker was lost " + std::to_string(kMaxStarts) +
                                       " times; see worker.log in its folder";
  if (lacks_report) {
    dataset.message = "the scan told no result; see worker.log in its folder, and add it again";
  }
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
