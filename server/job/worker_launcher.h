#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/stop_order.h"
#include "server/job/run_event.h"

namespace distill::server {

/// Names one run of a worker: an attempt of a job, or the scan of a data set.
struct RunKey {
  enum class Kind { kJob, kDatasetScan };
  Kind kind = Kind::kJob;
  int64_t id = 0;  // of the job or the data set
  int attempt = 1;

  bool operator==(const RunKey&) const = default;
  auto operator<=>(const RunKey&) const = default;
};

/// A process, named so that a recycled pid is not taken for it.
struct WorkerProcess {
  int pid = 0;
  int64_t start_ticks = 0;  // field 22 of /proc/PID/stat
};

struct LaunchRequest {
  RunKey key;
  /// Holds spec.json; the journal and worker.log are written here.
  std::filesystem::path run_directory;
  /// The worker's whole environment, besides a fixed PATH: e.g. CUDA_VISIBLE_DEVICES.
  std::vector<std::pair<std::string, std::string>> environment;
  int64_t journal_offset = 0;  // events before it are known already
};

/// How a worker process ended. For an adopted one (not our child) only that it is gone is known.
struct WorkerExitStatus {
  bool is_known = false;
  int exit_code = 0;  // when it exited
  int signal = 0;     // when a signal ended it
};

/// What a launcher reports; called from a thread of the launcher's, one call at a time per run.
class WorkerListener {
 public:
  virtual ~WorkerListener() = default;

  /// New events of a run's journal, in order; `from_offset` is where the batch starts. The launcher
  /// sends them again after a failure.
  virtual Status OnEvents(const RunKey& key, int64_t from_offset, const RunEventBatch& batch) = 0;

  /// The process is gone, and every whole event of its journal has been given to OnEvents.
  virtual void OnExit(const RunKey& key, const WorkerExitStatus& exit) = 0;
};

/// Starts, follows and stops worker processes. Thread-safe.
class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;

  /// Names who is told of events and exits, and starts following. Call once, before the first
  /// Start() or Adopt(). `listener` must live until Detach() has returned, and may call this
  /// object.
  virtual void Attach(WorkerListener& listener) = 0;

  /// Returns the live worker that runs in `run_directory`, if there is one: for a run whose process
  /// was never noted.
  virtual std::optional<WorkerProcess> FindRunning(const std::filesystem::path& run_directory) = 0;

  /// Starts a worker in a process group of its own, with no inherited descriptors, and follows its
  /// journal. kUnavailable: it could not be started.
  virtual Result<WorkerProcess> Start(const LaunchRequest& request) = 0;

  /// Follows a worker that an earlier daemon started. When the process is gone already, its journal
  /// is read to the end and OnExit is called as for any other; children that it left are killed.
  virtual Status Adopt(const LaunchRequest& request, const WorkerProcess& process) = 0;

  /// Asks a worker to write a checkpoint and leave (SIGTERM), with the reason in its run directory,
  /// and kills its process group when the grace period has passed. Returns at once; OnExit follows.
  /// A second order replaces the reason, not the grace period. kNotFound: no such run.
  virtual Status Stop(const RunKey& key, StopOrder order) = 0;

  /// Returns the order that the worker of a run directory got, perhaps from an earlier daemon.
  virtual std::optional<StopOrder> FindOrder(const std::filesystem::path& run_directory) = 0;

  /// Stops following all runs and joins all threads. The workers go on. Detaching twice is no
  /// error.
  virtual void Detach() = 0;
};

}  // namespace distill::server
