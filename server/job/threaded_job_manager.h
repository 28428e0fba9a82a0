#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/job/active_jobs.h"
#include "server/job/dataset_scans.h"
#include "server/job/exit_verdict.h"
#include "server/job/future_moments.h"
#include "server/job/job_manager.h"
#include "server/job/progress_estimate.h"
#include "server/job/queue_view.h"
#include "server/job/scheduler.h"
#include "server/job/submit_rounds.h"
#include "server/job/usage_history.h"

namespace distill::server {

/// The JobManager: one thread schedules, one mutex guards what it knows. Requests are in
/// job_manager.cc and job_control.cc, the scheduler's view in job_queue.cc, workers in job_runs.cc.
/// Thread-safe.
class ThreadedJobManager final : public JobManager {
 public:
  ThreadedJobManager(const JobManagerOptions& options, const Dependencies& dependencies)
      : options_(options),
        store_(dependencies.store),
        launcher_(dependencies.launcher),
        preparer_(dependencies.preparer),
        devices_(dependencies.devices),
        events_(dependencies.events),
        clock_(dependencies.clock),
        active_(dependencies.store, dependencies.clock, dependencies.observer),
        scans_(dependencies.store, dependencies.launcher, dependencies.preparer),
        usage_(options.fair_share_half_life),
        moments_(dependencies.clock),
        submits_([this](const SubmitRounds::Round& round) { StoreRound(round); }) {}
  ~ThreadedJobManager() override { StopThread(); }

  Status Start() override;
  void Stop() override { StopThread(); }
  Result<std::vector<JobRecord>> CreateJobs(const std::vector<JobSpec>& jobs,
                                            const std::string& request_id,
                                            const std::string& content_sha256) override;
  Result<JobRecord> Cancel(JobId id, const std::string& actor) override;
  Result<JobRecord> Pause(JobId id, const std::string& actor) override;
  Result<JobRecord> Resume(JobId id, const std::string& actor) override;
  Result<JobRecord> Requeue(JobId id, const std::string& actor) override;
  Result<std::optional<JobId>> Delete(JobId id) override;
  Result<QueueReport> ListQueue(int max_entries) override;
  Result<JobExplanation> Explain(JobId id) override;
  Result<DatasetRecord> CreateDataset(const DatasetRecord& dataset) override;
  Result<std::optional<JobId>> DeleteDataset(const std::string& name) override;
  std::vector<DeviceUse> ListDevices() override;

  Status OnEvents(const RunKey& key, int64_t from_offset, const RunEventBatch& batch) override;
  void OnExit(const RunKey& key, const WorkerExitStatus& exit) override;

 private:
  // The attempt that a job has under way.
  struct Run {
    int attempt = 0;
    int pid = 0;  // of its worker; 0 = not known
    int64_t started_at_unix_ms = 0;
    int64_t heard_at_ms = 0;  // of the monotonic clock: when its worker told something
    int64_t began_at_ms = 0;  // of the monotonic clock: when this daemon started or adopted it
    ProgressStart start;
    int num_epochs = 0;
    std::optional<WorkerOutcome> outcome;
    int64_t ended_at_unix_ms = 0;  // when its worker said that outcome; 0 = not known
    // What the worker was told, if it was.
    std::optional<GivenOrder> order;
    // How it ended, until the store has it. `verdict` is for an end that no worker had part in.
    std::optional<WorkerExitStatus> exit;
    std::optional<Transition> verdict;
  };

  // How long a job that was interrupted waits before it starts again.
  struct RestartDelay {
    int num_fruitless = 0;  // attempts in a row that ended before they had an epoch done
    int64_t until_ms = 0;   // of the monotonic clock
  };

  // What the submits of one round take of the queue.
  struct RoundCounts {
    int64_t in_all = 0;
    std::map<std::string, int64_t> of_owner;
  };

  void StopThread();
  void Loop();
  bool LookAfterRuns(const std::vector<DeviceInfo>& devices) EXCLUDES(mutex_);
  void RestUntil(std::chrono::steady_clock::time_point end) EXCLUDES(mutex_);
  void Wake() EXCLUDES(mutex_);
  void PublishChanges() EXCLUDES(mutex_);

  Status Reconcile() REQUIRES(mutex_);
  Status Recover(const JobRecord& job) REQUIRES(mutex_);
  Status TakeOver(const JobRecord& job, const AttemptRecord& attempt) REQUIRES(mutex_);
  Result<std::vector<JobRecord>> FindJobs(const std::vector<JobId>& ids);
  Status CheckDisk(const std::string& owner);
  void StoreRound(const SubmitRounds::Round& round) EXCLUDES(mutex_);
  void InsertRound(const SubmitRounds::Round& round) REQUIRES(mutex_);
  Status CheckQueue(const std::vector<JobSpec>& jobs, const RoundCounts& counts) const
      REQUIRES(mutex_);
  Result<std::vector<JobRecord>> AnswerAgain(const KnownRequest& known,
                                             const std::string& content_sha256);

  std::vector<DeviceHolder> Holders() REQUIRES(mutex_);
  Status LoadUsage() REQUIRES(mutex_);
  Result<SchedulerSnapshot> Snapshot(const std::vector<DeviceInfo>& devices) REQUIRES(mutex_);
  void FillHeld(const JobRecord& job, JobSnapshot& entry) REQUIRES(mutex_);
  Status FillNeeds(const JobRecord& job, JobSnapshot& entry, SchedulerSnapshot& snapshot)
      REQUIRES(mutex_);
  void FillUsers(SchedulerSnapshot& snapshot) REQUIRES(mutex_);
  Status FillEnds(SchedulerSnapshot& snapshot) REQUIRES(mutex_);
  QueueView::Moment Now() const REQUIRES(mutex_);
  Result<std::shared_ptr<QueueView>> View() EXCLUDES(mutex_);
  QueueView::Times ReadEnds(const QueueView& view);
  std::shared_ptr<const QueueView::Times> StartsIn(QueueView& view);
  QueueEntry EntryOf(const QueueView::Times& starts, const WaitingReason& waiting) const
      REQUIRES(mutex_);
  bool HoldAllBack() REQUIRES(mutex_);
  void ScheduleJobs(const std::vector<DeviceInfo>& devices) EXCLUDES(mutex_);
  void CarryOut(const ScheduleDecision& decision) REQUIRES(mutex_);
  void StartAll(const std::vector<StartDecision>& starts) REQUIRES(mutex_);
  void MakeRoom(const std::vector<PreemptionDecision>& preemptions) REQUIRES(mutex_);
  void TellWhyTheyWait(const std::vector<WaitingReason>& waiting) REQUIRES(mutex_);
  bool IsQueued(JobId id) const REQUIRES(mutex_);
  Status StartJob(const StartDecision& decision) REQUIRES(mutex_);
  Status Launch(const AttemptRecord& attempt) REQUIRES(mutex_);
  bool IsDelayed(const JobRecord& job) const REQUIRES(mutex_);

  void OrderStop(JobId id, const GivenOrder& order) REQUIRES(mutex_);

  RunEventBatch WithEstimates(const RunKey& key, const RunEventBatch& batch) EXCLUDES(mutex_);
  Status ApplyJobEvents(const RunKey& key, const RunEventBatch& batch) REQUIRES(mutex_);
  Status MarkRunning(JobId id) REQUIRES(mutex_);
  void NoteStalls() REQUIRES(mutex_);
  void StopOverdue() REQUIRES(mutex_);
  void EndRunless() REQUIRES(mutex_);
  void EndRuns() REQUIRES(mutex_);
  void DelayRestart(JobId id, const Run& run) REQUIRES(mutex_);
  Status EndRun(JobId id, const Run& run) REQUIRES(mutex_);

  const JobManagerOptions options_;
  JobStore& store_;
  WorkerLauncher& launcher_;
  RunPreparer& preparer_;
  DeviceCatalog& devices_;
  JobEvents& events_;
  const Clock& clock_;
  std::thread thread_;
  std::atomic<int64_t> num_progress_changes_ = 0;

  Mutex mutex_;
  ConditionVariable woken_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  bool has_work_ GUARDED_BY(mutex_) = false;
  ActiveJobs active_ GUARDED_BY(mutex_);
  DatasetScans scans_ GUARDED_BY(mutex_);
  UsageHistory usage_ GUARDED_BY(mutex_);
  FutureMoments moments_ GUARDED_BY(mutex_);
  SubmitRounds submits_;
  std::shared_ptr<QueueView> view_ GUARDED_BY(mutex_);       // the newest; none before the first
  int64_t num_orders_ GUARDED_BY(mutex_) = 0;                // that were given to workers
  std::vector<DeviceInfo> devices_seen_ GUARDED_BY(mutex_);  // at the last look
  std::map<JobId, Run> runs_ GUARDED_BY(mutex_);
  std::map<JobId, RestartDelay> restart_delays_ GUARDED_BY(mutex_);
  std::set<JobId> has_room_made_ GUARDED_BY(mutex_);  // jobs that others were told to leave for
};

/// Returns the name of an attempt's run.
inline RunKey KeyOf(JobId job, int attempt) { return {RunKey::Kind::kJob, job, attempt}; }

}  // namespace distill::server
