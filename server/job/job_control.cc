// Pausing and resuming jobs, and ordering their workers to leave.
#include "core/base/log.h"
#include "server/job/threaded_job_manager.h"

namespace distill::server {

void ThreadedJobManager::OrderStop(JobId id, const GivenOrder& order) {
  ++num_orders_;
  const auto run = runs_.find(id);
  if (run == runs_.end()) return;  // it has no worker, see EndRunless()
  run->second.order = order;
  const Status stopped = launcher_.Stop(KeyOf(id, run->second.attempt), order.order);
  // A worker that is gone already needs no order: its exit is on the way.
  if (!stopped.ok()) LogInfo("worker had ended", {{"job", id}});
}

Result<JobRecord> ThreadedJobManager::Pause(JobId id, const std::string& actor) {
  Result<JobRecord> paused = Status(Code::kInternal, "not paused");
  {
    const MutexLock lock(mutex_);
    DISTILL_ASSIGN_OR_RETURN(const JobState state, active_.StateOf(id));
    if (state == JobState::kPaused || state == JobState::kPausing) return store_.FindJob(id);
    const JobState to = HasWorker(state) ? JobState::kPausing : JobState::kPaused;
    if (!CanMove(state, to)) {
      return Status(
          Code::kFailedPrecondition,
          "only a job that waits or runs is paused, this one is " + std::string(StateName(state)));
    }
    const std::string message = "paused by " + actor;
    paused = active_.Move(id, {to, Cause::kUser, actor, message});
    if (!paused.ok()) return paused;
    if (to == JobState::kPausing) OrderStop(id, {StopOrder::kPause, message});
  }
  Wake();
  PublishChanges();
  return paused;
}

Result<JobRecord> ThreadedJobManager::Resume(JobId id, const std::string& actor) {
  Result<JobRecord> queued = Status(Code::kInternal, "not resumed");
  {
    const MutexLock lock(mutex_);
    DISTILL_ASSIGN_OR_RETURN(const JobState state, active_.StateOf(id));
    if (state == JobState::kPausing) {
      return Status(Code::kFailedPrecondition,
                    "the job is still PAUSING; resume it when it is PAUSED");
    }
    if (state != JobState::kPaused) {
      return Status(Code::kFailedPrecondition,
                    "only a PAUSED job is resumed, this one is " + std::string(StateName(state)));
    }
    queued = active_.Move(id, {JobState::kQueued, Cause::kNone, actor, ""});
    if (!queued.ok()) return queued;
    restart_delays_.erase(id);
  }
  Wake();
  PublishChanges();
  return queued;
}

}  // namespace distill::server
