#include "server/job/job_manager.h"

#include <pthread.h>

#include <filesystem>
#include <system_error>

#include "core/base/fault_point.h"
#include "core/base/log.h"
#include "server/job/threaded_job_manager.h"

namespace distill::server {

Status ThreadedJobManager::Start() {
  launcher_.Attach(*this);
  std::vector<DeviceInfo> devices = devices_.List();
  {
    const MutexLock lock(mutex_);
    devices_seen_ = std::move(devices);
    DISTILL_RETURN_IF_ERROR(Reconcile());
  }
  PublishChanges();
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "job-manager");
    Loop();
  });
  return Status::Ok();
}

void ThreadedJobManager::StopThread() {
  launcher_.Detach();
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  woken_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

// With a long queue a pass takes long: it must not take all of the processor, and most of the
// lock, while jobs come in.
constexpr int kRestsPerPass = 4;

void ThreadedJobManager::Loop() {
  while (true) {
    const std::vector<DeviceInfo> devices = devices_.List();
    const auto began = std::chrono::steady_clock::now();
    if (!LookAfterRuns(devices)) return;
    ScheduleJobs(devices);
    PublishChanges();
    const auto end = std::chrono::steady_clock::now();
    RestUntil(end + kRestsPerPass * (end - began));
  }
}

// Returns false when it is time to stop.
bool ThreadedJobManager::LookAfterRuns(const std::vector<DeviceInfo>& devices) {
  const MutexLock lock(mutex_);
  if (is_stopping_) return false;
  has_work_ = false;
  EndRunless();
  EndRuns();
  NoteStalls();
  StopOverdue();
  scans_.RetryEnds();
  devices_seen_ = devices;
  return true;
}

// Rests at least until `end`, then until there is work, or for a tick.
void ThreadedJobManager::RestUntil(std::chrono::steady_clock::time_point end) {
  const MutexLock lock(mutex_);
  while (!is_stopping_) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    woken_.WaitFor(mutex_, left);
  }
  while (!has_work_ && !is_stopping_) {
    if (!woken_.WaitFor(mutex_, options_.tick)) break;
  }
}

void ThreadedJobManager::Wake() {
  {
    const MutexLock lock(mutex_);
    has_work_ = true;
  }
  woken_.NotifyAll();
}

void ThreadedJobManager::PublishChanges() {
  std::vector<JobId> changed;
  {
    const MutexLock lock(mutex_);
    changed = active_.TakeChanged();
  }
  for (const JobId id : changed) events_.Publish(id);
}

Status ThreadedJobManager::Reconcile() {
  DISTILL_RETURN_IF_ERROR(active_.Load());
  DISTILL_RETURN_IF_ERROR(LoadUsage());
  const std::map<JobId, JobRecord> jobs = active_.jobs();
  for (const auto& [id, job] : jobs) {
    DISTILL_RETURN_IF_ERROR(Recover(job).WithContext("recover job " + std::to_string(id)));
  }
  return scans_.Reconcile();
}

Status ThreadedJobManager::Recover(const JobRecord& job) {
  if (job.state == JobState::kInterrupted) return active_.SettleInterruption(job.id);
  if (!HasWorker(job.state)) return Status::Ok();
  DISTILL_ASSIGN_OR_RETURN(const std::vector<AttemptRecord> attempts, store_.ListAttempts(job.id));
  if (attempts.empty()) {
    return {Code::kDataLoss,
            "the job is " + std::string(StateName(job.state)) + " but has no attempt"};
  }
  const AttemptRecord& attempt = attempts.back();
  Run& run = runs_[job.id];
  run.attempt = attempt.number;
  run.started_at_unix_ms = attempt.started_at_unix_ms;
  run.heard_at_ms = clock_.MonotonicMillis();
  run.began_at_ms = run.heard_at_ms;
  run.start = {attempt.started_at_unix_ms, attempt.resumed_from_epoch};
  run.num_epochs = job.progress.num_epochs;
  if (attempt.finished_at_unix_ms != 0) {
    // Its end was stored, the job's move was not.
    run.verdict = Transition{attempt.state, attempt.cause, "daemon", attempt.message};
    return Status::Ok();
  }
  if (IsTerminal(attempt.state)) {
    run.outcome = WorkerOutcome{attempt.state, attempt.cause, attempt.message};
  }
  if (attempt.state != JobState::kStarting) DISTILL_RETURN_IF_ERROR(MarkRunning(job.id));
  return TakeOver(job, attempt);
}

Status ThreadedJobManager::TakeOver(const JobRecord& job, const AttemptRecord& attempt) {
  LaunchRequest request;
  request.key = KeyOf(job.id, attempt.number);
  request.run_directory = preparer_.RunDirectory(job.id, attempt.number);
  DISTILL_ASSIGN_OR_RETURN(request.journal_offset, store_.JournalOffset(job.id, attempt.number));
  WorkerProcess process{attempt.pid, attempt.pid_start_ticks};
  if (attempt.pid == 0) {
    // The daemon died between the worker's start and the note of its pid, or before.
    process = launcher_.FindRunning(request.run_directory).value_or(WorkerProcess{});
    DISTILL_RETURN_IF_ERROR(
        store_.SetAttemptProcess(job.id, attempt.number, process.pid, process.start_ticks));
  }
  runs_[job.id].pid = process.pid;
  LogInfo("worker taken over", {{"job", job.id}, {"pid", process.pid}});
  DISTILL_RETURN_IF_ERROR(launcher_.Adopt(request, process));
  // An order of the earlier daemon is given again: its grace period died with it.
  std::optional<StopOrder> order = launcher_.FindOrder(request.run_directory);
  if (job.state == JobState::kCancelling) order = StopOrder::kCancel;
  if (job.state == JobState::kPausing) order = StopOrder::kPause;
  if (order) OrderStop(job.id, {*order, job.message});
  return Status::Ok();
}

Result<std::vector<JobRecord>> ThreadedJobManager::FindJobs(const std::vector<JobId>& ids) {
  std::vector<JobRecord> jobs;
  for (const JobId id : ids) {
    DISTILL_ASSIGN_OR_RETURN(JobRecord job, store_.FindJob(id));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

Result<std::vector<JobRecord>> ThreadedJobManager::AnswerAgain(const KnownRequest& known,
                                                               const std::string& content_sha256) {
  if (known.content_sha256 == content_sha256) return FindJobs(known.jobs);
  return Status(Code::kInvalidArgument, "the request id was used with other content");
}

Status ThreadedJobManager::CheckQueue(const std::vector<JobSpec>& jobs,
                                      const RoundCounts& counts) const {
  const auto num_new = static_cast<int64_t>(jobs.size());
  if (active_.NumQueued() + counts.in_all + num_new > options_.max_queued_jobs) {
    return {Code::kResourceExhausted,
            "the queue is full (max_queued_jobs: " + std::to_string(options_.max_queued_jobs) +
                "): submit again when jobs have started"};
  }
  const std::string& owner = jobs.front().owner;
  const auto own = counts.of_owner.find(owner);
  const int64_t num_own = own == counts.of_owner.end() ? 0 : own->second;
  if (active_.NumQueuedOf(owner) + num_own + num_new > options_.max_queued_jobs_per_user) {
    return {Code::kResourceExhausted, "too many jobs of " + owner +
                                          " wait (max_queued_jobs_per_user: " +
                                          std::to_string(options_.max_queued_jobs_per_user) +
                                          "): submit again when some have started, or cancel some"};
  }
  return {};
}

Status ThreadedJobManager::CheckDisk(const std::string& owner) {
  if (options_.max_disk_bytes_per_user == 0) return {};
  DISTILL_ASSIGN_OR_RETURN(const int64_t bytes, store_.ArtifactBytesOf(owner));
  if (bytes <= options_.max_disk_bytes_per_user) return {};
  return {
      Code::kResourceExhausted,
      "the files of " + owner + "'s jobs take " + std::to_string(bytes) +
          " bytes (max_disk_bytes_per_user: " + std::to_string(options_.max_disk_bytes_per_user) +
          "): delete jobs that are not needed any more"};
}

Result<std::vector<JobRecord>> ThreadedJobManager::CreateJobs(const std::vector<JobSpec>& jobs,
                                                              const std::string& request_id,
                                                              const std::string& content_sha256) {
  SubmitTurn turn{{jobs, request_id, content_sha256}, std::nullopt};
  const Status has_room = CheckDisk(jobs.front().owner);
  if (has_room.ok()) {
    submits_.Take(turn);
  } else {
    turn.answer = has_room;
  }
  if (turn.answer->ok() || request_id.empty()) return std::move(*turn.answer);
  // Its like may have come first, at the same moment even.
  const auto known = store_.FindRequest(request_id);
  if (known.ok() && *known) return AnswerAgain(**known, content_sha256);
  return std::move(*turn.answer);
}

void ThreadedJobManager::StoreRound(const SubmitRounds::Round& round) {
  std::vector<JobId> changed;
  {
    const MutexLock lock(mutex_);
    InsertRound(round);
    has_work_ = true;
    changed = active_.TakeChanged();
  }
  woken_.NotifyAll();
  for (const JobId id : changed) events_.Publish(id);
}

void ThreadedJobManager::InsertRound(const SubmitRounds::Round& round) {
  constexpr int64_t kMaxJobs = 256;  // of several requests: nobody waits for more than that
  RoundCounts counts;
  std::vector<JobRequest> requests;
  SubmitRounds::Round admitted;
  for (SubmitTurn* turn : round) {
    const std::vector<JobSpec>& jobs = turn->request.jobs;
    const auto num_jobs = static_cast<int64_t>(jobs.size());
    const Status has_place = CheckQueue(jobs, counts);
    // What others of the round take the place of is looked at again in the next.
    if (counts.in_all > 0 && (!has_place.ok() || counts.in_all + num_jobs > kMaxJobs)) break;
    if (!has_place.ok()) {
      turn->answer = has_place;
      continue;
    }
    counts.in_all += num_jobs;
    counts.of_owner[jobs.front().owner] += num_jobs;
    requests.push_back(turn->request);
    admitted.push_back(turn);
  }
  if (requests.empty()) return;
  auto answers = store_.InsertRequests(requests, clock_.UnixMillis());
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].ok()) {
      for (const JobRecord& job : *answers[i]) active_.Add(job);
    }
    admitted[i]->answer = std::move(answers[i]);
  }
}

Result<JobRecord> ThreadedJobManager::Cancel(JobId id, const std::string& actor) {
  Result<JobRecord> cancelled = Status(Code::kInternal, "not cancelled");
  {
    const MutexLock lock(mutex_);
    DISTILL_ASSIGN_OR_RETURN(const JobState state, active_.StateOf(id));
    if (state == JobState::kCancelled || state == JobState::kCancelling) return store_.FindJob(id);
    if (IsTerminal(state)) {
      return Status(Code::kFailedPrecondition,
                    "the job has ended, it is " + std::string(StateName(state)));
    }
    const JobState to = HasWorker(state) ? JobState::kCancelling : JobState::kCancelled;
    cancelled = active_.Move(id, {to, Cause::kUser, actor, "cancelled by " + actor});
    if (!cancelled.ok()) return cancelled;
    if (to == JobState::kCancelling) {
      OrderStop(id, {StopOrder::kCancel, "cancelled by " + actor});
    }
  }
  Wake();
  PublishChanges();
  return cancelled;
}

Result<JobRecord> ThreadedJobManager::Requeue(JobId id, const std::string& actor) {
  Result<JobRecord> queued = Status(Code::kInternal, "not queued");
  {
    const MutexLock lock(mutex_);
    DISTILL_ASSIGN_OR_RETURN(const JobState state, active_.StateOf(id));
    if (state != JobState::kFailed && state != JobState::kCancelled) {
      return Status(Code::kFailedPrecondition,
                    "only a job that FAILED or was CANCELLED is queued again, this one is " +
                        std::string(StateName(state)));
    }
    queued = active_.Move(id, {JobState::kQueued, Cause::kNone, actor, ""});
    restart_delays_.erase(id);
  }
  Wake();
  PublishChanges();
  return queued;
}

Result<std::optional<JobId>> ThreadedJobManager::Delete(JobId id) {
  {
    const MutexLock lock(mutex_);
    DISTILL_ASSIGN_OR_RETURN(const std::vector<JobId> dependents, store_.ListActiveDependents(id));
    if (!dependents.empty()) return std::optional(dependents.front());
    DISTILL_RETURN_IF_ERROR(store_.DeleteJob(id));
    active_.Forget(id);
  }
  FaultPoint("delete.before_files");
  std::error_code error;
  const std::filesystem::path folder = preparer_.JobDirectory(id);
  std::filesystem::remove_all(folder, error);
  if (error) {
    LogWarning("folder not removed before the next start",
               {{"path", folder.string()}, {"error", error.message()}});
  }
  LogInfo("job deleted", {{"job", id}});
  events_.Publish(id);
  return std::optional<JobId>();
}

Result<DatasetRecord> ThreadedJobManager::CreateDataset(const DatasetRecord& dataset) {
  DatasetRecord stamped = dataset;
  stamped.created_at_unix_ms = clock_.UnixMillis();
  const MutexLock lock(mutex_);
  const Result<DatasetRecord> there = store_.FindDataset(dataset.name);
  if (there.ok() && there->state == DatasetState::kFailed && there->owner == dataset.owner) {
    DISTILL_RETURN_IF_ERROR(scans_.Delete(dataset.name).status());
  }
  return scans_.Create(stamped);
}

Result<std::optional<JobId>> ThreadedJobManager::DeleteDataset(const std::string& name) {
  const MutexLock lock(mutex_);
  return scans_.Delete(name);
}

std::vector<DeviceUse> ThreadedJobManager::ListDevices() {
  const std::vector<DeviceInfo> devices = devices_.List();
  std::vector<DeviceUse> uses;
  {
    const MutexLock lock(mutex_);
    uses = AssessUse(devices, Holders());
  }
  for (DeviceUse& use : uses) {
    for (DeviceHolder& holder : use.holders) {
      auto newest = store_.FindJob(holder.job.id);  // with its progress
      if (newest.ok()) holder.job = std::move(newest).value();
    }
  }
  return uses;
}

std::unique_ptr<JobManager> JobManager::Create(const JobManagerOptions& options,
                                               const Dependencies& dependencies) {
  return std::make_unique<ThreadedJobManager>(options, dependencies);
}

}  // namespace distill::server
