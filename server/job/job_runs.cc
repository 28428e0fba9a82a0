#include <algorithm>
#include <utility>
#include <variant>

#include "core/base/fault_point.h"
#include "core/base/log.h"
#include "server/job/exit_verdict.h"
#include "server/job/threaded_job_manager.h"

namespace distill::server {
namespace {

// What becomes of a job whose worker could not be prepared (or started).
Transition FailedStart(const Status& status) {
  switch (status.code()) {
    case Code::kUnavailable:
      return {JobState::kInterrupted, Cause::kWorkerLost, "daemon", status.message()};
    case Code::kFailedPrecondition:
      return {JobState::kFailed, Cause::kDependencyFailed, "daemon", status.message()};
    case Code::kResourceExhausted:  // a full disk passes
      return {JobState::kInterrupted, Cause::kStorage, "daemon", status.message()};
    case Code::kInvalidArgument:
    case Code::kNotFound:
      return {JobState::kFailed, Cause::kBadSpec, "daemon", status.message()};
    default:
      return {JobState::kFailed, Cause::kInternal, "daemon", status.message()};
  }
}

}  // namespace

// Returns true where nothing may start now; the jobs that wait then say why.
bool ThreadedJobManager::HoldAllBack() {
  const std::string obstacle = options_.start_obstacle ? options_.start_obstacle() : "";
  if (obstacle.empty()) return false;
  std::map<JobId, Sentence> messages;
  for (const auto& [id, job] : active_.jobs()) {
    if (job.state == JobState::kQueued) messages[id] = obstacle;
  }
  const Status stored = active_.SetWaitingMessages(messages);
  if (!stored.ok()) LogError("waiting reasons not stored", {{"error", stored.ToString()}});
  return true;
}

void ThreadedJobManager::ScheduleJobs(const std::vector<DeviceInfo>& devices) {
  Result<SchedulerSnapshot> snapshot = Status(Code::kInternal, "not taken");
  QueueView::Moment moment;
  {
    const MutexLock lock(mutex_);
    if (HoldAllBack()) return;
    moment = Now();
    snapshot = Snapshot(devices);
  }
  if (!snapshot.ok()) {
    LogError("scheduling put off", {{"error", snapshot.status().ToString()}});
    return;
  }
  // Without the lock: with a long queue, submits would wait for it.
  const auto view = std::make_shared<QueueView>(std::move(snapshot).value(), moment);
  std::shared_ptr<QueueView> old = view;
  const MutexLock lock(mutex_);
  old.swap(view_);
  if (!is_stopping_) CarryOut(view->decision());
}

// Since the decision, jobs may have left the queue; nothing but this thread puts one on a device.
void ThreadedJobManager::CarryOut(const ScheduleDecision& decision) {
  StartAll(decision.starts);
  MakeRoom(decision.preemptions);
  TellWhyTheyWait(decision.waiting);
}

void ThreadedJobManager::StartAll(const std::vector<StartDecision>& starts) {
  for (const StartDecision& start : starts) {
    if (!IsQueued(start.job)) continue;
    const Status started = StartJob(start);
    if (!started.ok()) {
      LogError("job not started, trying again",
               {{"job", start.job}, {"error", started.ToString()}});
    }
  }
}

void ThreadedJobManager::MakeRoom(const std::vector<PreemptionDecision>& preemptions) {
  for (const PreemptionDecision& preemption : preemptions) {
    const auto run = runs_.find(preemption.job);
    const bool has_left = run == runs_.end() || run->second.order || run->second.exit;
    if (has_left || !IsQueued(preemption.for_job)) continue;
    OrderStop(preemption.job,
              {StopOrder::kPreempt,
               "makes room for " + Sentence::Naming(preemption.for_job) + ", of higher priority"});
    has_room_made_.insert(preemption.for_job);
  }
}

void ThreadedJobManager::TellWhyTheyWait(const std::vector<WaitingReason>& waiting) {
  std::map<JobId, Sentence> messages;
  for (const WaitingReason& reason : waiting) {
    // One that waits after an interruption says already what that was.
    if (reason.rule == WaitingRule::kDelay) continue;
    const JobRecord* job = active_.Find(reason.job);
    if (job != nullptr && job->message != reason.reason) messages[reason.job] = reason.reason;
  }
  const Status stored = active_.SetWaitingMessages(messages);
  if (!stored.ok()) LogError("waiting reasons not stored", {{"error", stored.ToString()}});
}

bool ThreadedJobManager::IsQueued(JobId id) const {
  const JobRecord* job = active_.Find(id);
  return job != nullptr && job->state == JobState::kQueued;
}

// Starts a job, or ends its attempt. An error means that not even that could be stored.
Status ThreadedJobManager::StartJob(const StartDecision& decision) {
  DISTILL_ASSIGN_OR_RETURN(const AttemptRecord attempt,
                           active_.StartAttempt(decision.job, decision.devices));
  Run& run = runs_[decision.job];
  run = Run();
  run.attempt = attempt.number;
  run.started_at_unix_ms = attempt.started_at_unix_ms;
  run.heard_at_ms = clock_.MonotonicMillis();
  run.began_at_ms = run.heard_at_ms;
  run.start.at_unix_ms = attempt.started_at_unix_ms;
  run.num_epochs = active_.jobs().at(decision.job).spec.num_epochs;
  const Status launched = Launch(attempt);
  if (launched.ok()) return Status::Ok();
  run.verdict = FailedStart(launched);
  EndRuns();
  return Status::Ok();
}

Status ThreadedJobManager::Launch(const AttemptRecord& attempt) {
  FaultPoint("run.before_prepare");
  DISTILL_ASSIGN_OR_RETURN(std::vector<AttemptRecord> attempts, store_.ListAttempts(attempt.job));
  attempts.erase(std::remove_if(attempts.begin(), attempts.end(),
                                [&](const auto& other) { return other.number >= attempt.number; }),
                 attempts.end());
  const JobRecord& job = active_.jobs().at(attempt.job);
  DISTILL_ASSIGN_OR_RETURN(LaunchRequest request, preparer_.PrepareJob(job, attempt, attempts));
  request.key = KeyOf(attempt.job, attempt.number);
  request.journal_offset = 0;
  FaultPoint("run.before_spawn");
  DISTILL_ASSIGN_OR_RETURN(const WorkerProcess process, launcher_.Start(request));
  FaultPoint("run.after_spawn");
  runs_[attempt.job].pid = process.pid;
  LogInfo("worker started", {{"job", attempt.job},
                             {"attempt", attempt.number},
                             {"devices", DevicesText(attempt.devices)},
                             {"pid", process.pid}});
  const Status noted =
      store_.SetAttemptProcess(attempt.job, attempt.number, process.pid, process.start_ticks);
  // A restarted daemon finds the worker by its run directory then.
  if (!noted.ok()) LogError("pid not stored", {{"job", attempt.job}, {"error", noted.ToString()}});
  return Status::Ok();
}

Status ThreadedJobManager::OnEvents(const RunKey& key, int64_t from_offset,
                                    const RunEventBatch& batch) {
  if (key.kind == RunKey::Kind::kDatasetScan) {
    const MutexLock lock(mutex_);
    return scans_.OnEvents(key, batch);
  }
  DISTILL_RETURN_IF_ERROR(
      store_.StoreRunEvents(key.id, key.attempt, from_offset, WithEstimates(key, batch)));
  ++num_progress_changes_;
  {
    const MutexLock lock(mutex_);
    DISTILL_RETURN_IF_ERROR(ApplyJobEvents(key, batch));
  }
  PublishChanges();
  events_.Publish(key.id);
  return Status::Ok();
}

RunEventBatch ThreadedJobManager::WithEstimates(const RunKey& key, const RunEventBatch& batch) {
  RunEventBatch result = batch;
  const MutexLock lock(mutex_);
  const auto found = runs_.find(key.id);
  if (found == runs_.end()) return result;
  Run& run = found->second;
  for (RunEvent& event : result.events) {
    if (const auto* started = std::get_if<WorkerStarted>(&event.event)) {
      run.start = {event.at_unix_ms, started->resumed_from_epoch};
      if (started->num_epochs > 0) run.num_epochs = started->num_epochs;
    } else if (auto* step = std::get_if<StepProgress>(&event.event)) {
      step->progress.num_epochs = run.num_epochs;
      step->progress.eta_unix_ms = EstimateEnd(run.start, step->progress, event.at_unix_ms);
    } else if (auto* end = std::get_if<EpochEnd>(&event.event)) {
      JobProgress progress;
      progress.epoch = end->epoch;
      progress.num_epochs = run.num_epochs;
      end->eta_unix_ms = EstimateEnd(run.start, progress, event.at_unix_ms);
    }
  }
  return result;
}

Status ThreadedJobManager::ApplyJobEvents(const RunKey& key, const RunEventBatch& batch) {
  const auto run = runs_.find(key.id);
  if (run == runs_.end() || run->second.attempt != key.attempt) return Status::Ok();
  run->second.heard_at_ms = clock_.MonotonicMillis();
  DISTILL_RETURN_IF_ERROR(active_.SetStalledSince(key.id, 0));
  for (const RunEvent& event : batch.events) {
    if (const auto* outcome = std::get_if<WorkerOutcome>(&event.event)) {
      run->second.outcome = *outcome;
      run->second.ended_at_unix_ms = event.at_unix_ms;
    } else if (std::holds_alternative<WorkerStarted>(event.event)) {
      DISTILL_RETURN_IF_ERROR(MarkRunning(key.id));
    } else if (const auto* notice = std::get_if<WorkerNotice>(&event.event)) {
      // The log is about the machine: what all runs tell is for those who look for it.
      const bool is_warning = notice->level == EventLevel::kWarning;
      Log(is_warning ? LogLevel::kWarning : LogLevel::kDebug, "notice of a worker",
          {{"job", key.id}, {"attempt", key.attempt}, {"message", notice->message}});
    }
  }
  return Status::Ok();
}

Status ThreadedJobManager::MarkRunning(JobId id) {
  const JobRecord* job = active_.Find(id);
  if (job == nullptr || job->state != JobState::kStarting) return Status::Ok();
  return active_.Move(id, {JobState::kRunning, Cause::kNone, "worker", ""}).status();
}

// A worker that is stopped or stuck is no lost one: its job keeps its state, and says so.
void ThreadedJobManager::NoteStalls() {
  for (const auto& [id, run] : runs_) {
    const JobRecord* job = active_.Find(id);
    if (job == nullptr || !HasWorker(job->state) || job->stalled_since_unix_ms != 0) continue;
    const int64_t silent_ms = clock_.MonotonicMillis() - run.heard_at_ms;
    if (silent_ms < options_.stalled_after.count()) continue;
    LogWarning("worker is alive but tells nothing", {{"job", id}, {"silent_ms", silent_ms}});
    const Status noted = active_.SetStalledSince(id, clock_.UnixMillis() - silent_ms);
    if (!noted.ok()) LogError("stall not stored", {{"job", id}, {"error", noted.ToString()}});
  }
}

// A worker that hangs does not keep its time limit itself. One that was taken over is given its
// limit anew.
void ThreadedJobManager::StopOverdue() {
  constexpr int64_t kMillisPerSecond = 1000;
  for (const auto& [id, run] : runs_) {
    const JobRecord* job = active_.Find(id);
    if (job == nullptr || job->state != JobState::kRunning || run.order || run.exit) continue;
    const int64_t limit_ms = job->spec.time_limit_seconds * kMillisPerSecond;
    const int64_t end_ms = run.began_at_ms + limit_ms + options_.policy.time_limit_slack_ms;
    if (limit_ms == 0 || clock_.MonotonicMillis() < end_ms) continue;
    OrderStop(id, {StopOrder::kTimeLimit,
                   "time limit reached, seconds: " + std::to_string(job->spec.time_limit_seconds) +
                       "; the worker did not end by itself"});
  }
}

// A start that was stored and could not be read back leaves a job that has a device and no worker.
void ThreadedJobManager::EndRunless() {
  for (const auto& [id, job] : active_.jobs()) {
    if (!HasWorker(job.state) || runs_.count(id) != 0) continue;
    Run& run = runs_[id];
    run.attempt = job.num_attempts;
    run.started_at_unix_ms = clock_.UnixMillis();
    run.heard_at_ms = clock_.MonotonicMillis();
    run.verdict = Transition{JobState::kInterrupted, Cause::kWorkerLost, "daemon",
                             "its start was not carried out: the database could not be read"};
  }
}

void ThreadedJobManager::OnExit(const RunKey& key, const WorkerExitStatus& exit) {
  {
    const MutexLock lock(mutex_);
    if (key.kind == RunKey::Kind::kDatasetScan) {
      scans_.OnExit(key, exit);
    } else if (const auto run = runs_.find(key.id);
               run != runs_.end() && run->second.attempt == key.attempt) {
      run->second.exit = exit;
      EndRuns();
    }
  }
  Wake();
  PublishChanges();
}

// Stores the ends that are known. One that cannot be stored now is tried again at the next tick.
void ThreadedJobManager::EndRuns() {
  for (auto run = runs_.begin(); run != runs_.end();) {
    if (!run->second.exit && !run->second.verdict) {
      ++run;
      continue;
    }
    const Status ended = EndRun(run->first, run->second);
    if (!ended.ok()) {
      LogError("end of job not stored, trying again",
               {{"job", run->first}, {"error", ended.ToString()}});
    }
    run = ended.ok() ? runs_.erase(run) : std::next(run);
  }
}

// An attempt that had an epoch done brought the job forward: the next may come soon.
void ThreadedJobManager::DelayRestart(JobId id, const Run& run) {
  const JobRecord* job = active_.Find(id);
  if (job == nullptr || job->num_interruptions + job->num_device_errors == 0) {
    restart_delays_.erase(id);
    return;
  }
  constexpr int kMaxDoublings = 20;
  RestartDelay& delay = restart_delays_[id];
  delay.num_fruitless = job->progress.epoch > run.start.epoch ? 0 : delay.num_fruitless + 1;
  const int num_doublings = std::clamp(delay.num_fruitless - 1, 0, kMaxDoublings);
  const int64_t delay_ms = options_.retry_delay.count() << num_doublings;
  delay.until_ms = clock_.MonotonicMillis() + std::min(delay_ms, options_.max_retry_delay.count());
}

Status ThreadedJobManager::EndRun(JobId id, const Run& run) {
  const JobRecord* job = active_.Find(id);
  if (job == nullptr) return Status::Ok();
  Transition transition;
  const bool needs_verdict = HasWorker(job->state);
  if (needs_verdict && run.verdict && CanMove(job->state, run.verdict->to)) {
    transition = *run.verdict;
  } else if (needs_verdict) {
    transition =
        JudgeExit(job->state, run.outcome, run.exit.value_or(WorkerExitStatus{}), run.order);
  }
  FaultPoint("run.before_end");
  // The daemon may hear of an end long after it.
  const int64_t now = clock_.UnixMillis();
  const bool is_end_known = run.ended_at_unix_ms >= run.started_at_unix_ms;
  const int64_t end = is_end_known ? std::min(run.ended_at_unix_ms, now) : now;
  std::vector<DeviceUsage> usages;
  for (const std::string& device : job->devices) {
    const int64_t start = moments_.Past(run.started_at_unix_ms);
    usages.push_back({job->spec.owner, device, start, end});
  }
  DISTILL_RETURN_IF_ERROR(active_.EndAttempt(id, run.attempt, transition, end));
  if (needs_verdict) {
    for (const DeviceUsage& usage : usages) usage_.Add(usage, now);
  }
  DelayRestart(id, run);
  return Status::Ok();
}

}  // namespace distill::server
