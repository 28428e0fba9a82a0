#include "server/job/active_jobs.h"

#include "core/base/log.h"
#include "server/job/exit_verdict.h"

namespace distill::server {

Status ActiveJobs::Load() {
  DISTILL_ASSIGN_OR_RETURN(const std::vector<JobRecord> jobs, store_.ListActiveJobs());
  for (const JobRecord& job : jobs) {
    jobs_[job.id] = job;
    CountQueued(job, 1);
    // Whether it was counted before the daemon died is not known: in doubt for the user.
    if (job.state == JobState::kInterrupted) counted_.insert(job.id);
  }
  return Status::Ok();
}

const JobRecord* ActiveJobs::Find(JobId id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

int64_t ActiveJobs::NumQueuedOf(const std::string& owner) const {
  const auto found = num_queued_of_.find(owner);
  return found == num_queued_of_.end() ? 0 : found->second;
}

void ActiveJobs::CountQueued(const JobRecord& job, int by) {
  if (job.state != JobState::kQueued) return;
  num_queued_ += by;
  const auto count = num_queued_of_.try_emplace(job.spec.owner, 0).first;
  count->second += by;
  if (count->second == 0) num_queued_of_.erase(count);
}

void ActiveJobs::Add(const JobRecord& job) { Keep(job); }

void ActiveJobs::TellObserver(const JobRecord& job) {
  if (observer_ == nullptr) return;
  std::optional<JobState> from;
  if (const JobRecord* before = Find(job.id)) {
    from = before->state;
  } else if (const auto ended = ends_.find(job.id); ended != ends_.end()) {
    from = ended->second.state;
  }
  if (from != job.state) observer_->OnMove(job, from);
}

void ActiveJobs::Keep(const JobRecord& job) {
  TellObserver(job);
  changed_.insert(job.id);
  ++num_changes_;
  if (job.state != JobState::kInterrupted) counted_.erase(job.id);
  if (const JobRecord* before = Find(job.id)) CountQueued(*before, -1);
  if (IsTerminal(job.state)) {
    jobs_.erase(job.id);
    ends_[job.id] = {job.state, job.finished_at_unix_ms};
  } else {
    jobs_[job.id] = job;
    CountQueued(job, 1);
    ends_.erase(job.id);
  }
}

Result<JobRecord> ActiveJobs::Move(JobId id, const Transition& transition) {
  DISTILL_ASSIGN_OR_RETURN(const JobState from, StateOf(id));
  auto moved = store_.MoveJob(id, from, transition, clock_.UnixMillis());
  if (!moved.ok()) return moved;
  Keep(*moved);
  LogInfo("job moved", {{"job", id},
                        {"from", StateName(from)},
                        {"to", StateName(transition.to)},
                        {"cause", CauseName(transition.cause)},
                        {"actor", transition.actor},
                        {"message", transition.message.Plain()}});
  return moved;
}

Result<AttemptRecord> ActiveJobs::StartAttempt(JobId id, const std::vector<std::string>& devices) {
  auto attempt = store_.StartAttempt(id, devices, clock_.UnixMillis());
  // After a failure too: nobody knows how far it came.
  const Status refreshed = Refresh(id);
  if (attempt.ok() && !refreshed.ok()) return refreshed;
  return attempt;
}

Status ActiveJobs::EndAttempt(JobId id, int attempt, const Transition& transition,
                              int64_t end_unix_ms) {
  DISTILL_RETURN_IF_ERROR(Refresh(id));
  const JobRecord* job = Find(id);
  if (job == nullptr) return Status::Ok();
  if (HasWorker(job->state)) {
    DISTILL_RETURN_IF_ERROR(store_.FinishAttempt(id, attempt, transition, end_unix_ms));
    if (job->state == JobState::kStarting && transition.to == JobState::kSucceeded) {
      const Transition running{JobState::kRunning, Cause::kNone, "worker", ""};
      DISTILL_RETURN_IF_ERROR(Move(id, running).status());
    }
    DISTILL_RETURN_IF_ERROR(Move(id, transition).status());
  }
  return SettleInterruption(id);
}

Status ActiveJobs::SettleInterruption(JobId id) {
  const JobRecord* job = Find(id);
  if (job == nullptr || job->state != JobState::kInterrupted) return Status::Ok();
  if (counted_.count(id) == 0) {
    DISTILL_RETURN_IF_ERROR(store_.AddInterruption(id, job->cause));
    counted_.insert(id);
  }
  DISTILL_RETURN_IF_ERROR(Refresh(id));
  return Move(id, JudgeInterruption(jobs_.at(id))).status();
}

Status ActiveJobs::SetWaitingMessages(const std::map<JobId, Sentence>& messages) {
  std::map<JobId, Sentence> new_ones;
  for (const auto& [id, message] : messages) {
    const JobRecord* job = Find(id);
    if (job == nullptr || job->state != JobState::kQueued) continue;
    if (job->message != message) new_ones[id] = message;
  }
  if (new_ones.empty()) return Status::Ok();
  DISTILL_RETURN_IF_ERROR(store_.SetWaitingMessages(new_ones));
  for (const auto& [id, message] : new_ones) {
    jobs_[id].message = message;
    changed_.insert(id);
  }
  return Status::Ok();
}

Status ActiveJobs::SetStalledSince(JobId id, int64_t unix_ms) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end() || job->second.stalled_since_unix_ms == unix_ms) return Status::Ok();
  DISTILL_RETURN_IF_ERROR(store_.SetStalledSince(id, unix_ms));
  job->second.stalled_since_unix_ms = unix_ms;
  changed_.insert(id);
  return Status::Ok();
}

Status ActiveJobs::Refresh(JobId id) {
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, store_.FindJob(id));
  Keep(job);
  return Status::Ok();
}

Result<JobState> ActiveJobs::StateOf(JobId id) {
  if (const JobRecord* job = Find(id)) return job->state;
  const auto known = ends_.find(id);
  if (known != ends_.end()) return known->second.state;
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, store_.FindJob(id));
  if (IsTerminal(job.state)) ends_[id] = {job.state, job.finished_at_unix_ms};
  return job.state;
}

int64_t ActiveJobs::EndOf(JobId id) const {
  const auto known = ends_.find(id);
  return known == ends_.end() ? 0 : known->second.at_unix_ms;
}

std::vector<JobId> ActiveJobs::TakeChanged() {
  std::vector<JobId> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

}  // namespace distill::server
