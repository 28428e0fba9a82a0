#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/base/status.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

/// The scans of data sets that are open: each is a run of a worker, without a device. Two run at
/// once; the others wait, first come, first served. Thread-compatible. All that the constructor
/// takes must outlive this object.
class DatasetScans {
 public:
  DatasetScans(JobStore& store, WorkerLauncher& launcher, RunPreparer& preparer)
      : store_(store), launcher_(launcher), preparer_(preparer) {}

  /// Takes over the scans that an earlier daemon began, and lets those wait again that it had not
  /// begun. One whose worker died is begun again. Stops those whose data set was deleted.
  Status Reconcile();

  /// Errors as JobManager::CreateDataset. A scan that cannot be started leaves a FAILED data set.
  Result<DatasetRecord> Create(const DatasetRecord& dataset);

  /// Stops a scan that is under way. Errors as JobStore::DeleteDataset.
  Result<std::optional<JobId>> Delete(const std::string& name);

  Status OnEvents(const RunKey& key, const RunEventBatch& batch);
  void OnExit(const RunKey& key, const WorkerExitStatus& exit);

  /// Ends scans whose end could not be stored before, and starts those that there is room for.
  void RetryEnds();

 private:
  struct Scan {
    DatasetRecord dataset;
    std::optional<WorkerOutcome> outcome;
    std::optional<WorkerExitStatus> exit;  // the worker is gone, and this is not stored yet
    int num_starts = 0;
    bool is_waiting = false;  // for its start; there is no worker
    bool is_deleted = false;
    bool keeps_folder = false;  // once it has ended, though it is deleted
  };

  Status CheckRoomFor(const DatasetRecord& dataset);
  Status StopForgotten(const std::set<int64_t>& known);
  Status TakeOver(Scan& scan, const std::optional<WorkerProcess>& process);
  /// Starts what there is room for; returns whether one that could not be started is to be ended.
  bool StartWaiting();
  void EndGone();
  Status Begin(Scan& scan);
  Status End(Scan& scan);
  void RemoveFolder(int64_t dataset);

  JobStore& store_;
  WorkerLauncher& launcher_;
  RunPreparer& preparer_;
  std::map<int64_t, Scan> scans_;  // by id, which is the order in which they came
};

}  // namespace distill::server
