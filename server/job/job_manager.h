#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/job/device.h"
#include "server/job/device_use.h"
#include "server/job/job_events.h"
#include "server/job/job_observer.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"
#include "server/job/scheduler.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

struct JobManagerOptions {
  int64_t max_queued_jobs = 10'000;
  int64_t max_queued_jobs_per_user = 5'000;
  int64_t max_disk_bytes_per_user = 0;  // of registered artifacts; 0 = no limit
  /// A job that was interrupted waits so long before it starts again; twice as long after each
  /// further attempt that had no epoch done.
  std::chrono::milliseconds retry_delay{1'000};
  std::chrono::milliseconds max_retry_delay{60'000};
  /// How often devices, delayed starts and failed writes are looked at when nothing else happens.
  std::chrono::milliseconds tick{1'000};
  /// A worker that is alive but has told nothing for so long makes its job stalled.
  std::chrono::milliseconds stalled_after{300'000};
  /// Asked before jobs are started: why none may start now, for a person; "" = they may. Must be
  /// quick. May be empty.
  std::function<std::string()> start_obstacle;
  SchedulerPolicy policy;
  /// What a user had of the devices counts half as much after this time.
  std::chrono::milliseconds fair_share_half_life{std::chrono::hours(7 * 24)};
};

/// A job that waits, and what for.
struct QueueEntry {
  JobRecord job;
  WaitingReason waiting;
  int64_t expected_start_unix_ms = 0;  // from the progress of those before it; 0 = unknown
};

struct QueueReport {
  std::vector<QueueEntry> entries;  // in order
  int length = 0;                   // of the whole queue
};

struct JobExplanation {
  QueueEntry entry;
  bool is_waiting = false;  // QUEUED, and does not start this moment; else only entry.job is set
  std::vector<JobRecord> holders;  // the jobs that it waits for, with their progress
  int queue_length = 0;
};

/// The only writer of job state: takes requests, schedules, starts workers, and turns what they
/// report into states. Thread-safe. Calls block on the store, never on a worker.
class JobManager : public WorkerListener {
 public:
  /// All but `options` must outlive this object. Start() before anything else.
  struct Dependencies {
    JobStore& store;
    WorkerLauncher& launcher;
    RunPreparer& preparer;
    DeviceCatalog& devices;
    JobEvents& events;
    const Clock& clock;
    JobObserver* observer = nullptr;  // may be null
  };
  static std::unique_ptr<JobManager> Create(const JobManagerOptions& options,
                                            const Dependencies& dependencies);

  /// Reconciles what is stored with what runs (adopts workers, rescans data sets whose scan died),
  /// then starts the scheduling thread.
  virtual Status Start() = 0;

  /// Detaches the launcher, stops scheduling and joins the thread. Workers go on.
  virtual void Stop() = 0;

  /// Stores jobs (see JobStore::InsertJobs) and wakes the scheduler. A request id seen before
  /// returns the jobs made then. kInvalidArgument: it was used with other content.
  /// kResourceExhausted: the queue is full, or the owner has too many jobs in it or
  /// too much on disk.
  virtual Result<std::vector<JobRecord>> CreateJobs(const std::vector<JobSpec>& jobs,
                                                    const std::string& request_id,
                                                    const std::string& content_sha256) = 0;

  /// Cancels a queued job at once, or orders a running one to stop with a checkpoint.
  /// kFailedPrecondition: it has ended. Cancelling twice is no error.
  virtual Result<JobRecord> Cancel(JobId id, const std::string& actor) = 0;

  /// Takes a waiting job out of the queue, or orders a running one to leave with a checkpoint; its
  /// device is free once it is PAUSED. kFailedPrecondition: it has ended, or is being cancelled.
  /// Pausing twice is no error.
  virtual Result<JobRecord> Pause(JobId id, const std::string& actor) = 0;

  /// Queues a PAUSED job; it goes on from its checkpoint. kFailedPrecondition: another state.
  virtual Result<JobRecord> Resume(JobId id, const std::string& actor) = 0;

  /// Queues a job that FAILED, or was CANCELLED, again. kFailedPrecondition: another state.
  virtual Result<JobRecord> Requeue(JobId id, const std::string& actor) = 0;

  /// Removes an ended job with its files, unless one that has not ended needs it: then returns that
  /// one. kFailedPrecondition: not ended.
  virtual Result<std::optional<JobId>> Delete(JobId id) = 0;

  /// Returns the first `max_entries` jobs of the queue, in the order in which they are to start.
  virtual Result<QueueReport> ListQueue(int max_entries) = 0;

  /// Says why a job waits. kNotFound: no such job.
  virtual Result<JobExplanation> Explain(JobId id) = 0;

  /// Stores a data set and starts its scan, in the place of one of this name and owner that FAILED.
  /// kAlreadyExists: the name is taken.
  virtual Result<DatasetRecord> CreateDataset(const DatasetRecord& dataset) = 0;
  /// Removes a data set, unless a job that has not ended uses it: then returns that one.
  virtual Result<std::optional<JobId>> DeleteDataset(const std::string& name) = 0;

  /// Returns the devices with the jobs and the outsiders that use each.
  virtual std::vector<DeviceUse> ListDevices() = 0;
};

}  // namespace distill::server
