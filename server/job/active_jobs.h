#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/job/job.h"
#include "server/job/job_observer.h"
#include "server/job/job_store.h"

namespace distill::server {

/// The jobs that have not ended, as the store has them, and every change of their state.
/// Thread-compatible. `store`, `clock` and `observer` (may be null) must outlive this object.
class ActiveJobs {
 public:
  ActiveJobs(JobStore& store, const Clock& clock, JobObserver* observer = nullptr)
      : store_(store), clock_(clock), observer_(observer) {}

  /// Reads them from the store.
  Status Load();

  const std::map<JobId, JobRecord>& jobs() const { return jobs_; }
  /// Returns the job, or null when there is none that has not ended.
  const JobRecord* Find(JobId id) const;
  int64_t NumQueued() const { return num_queued_; }
  int64_t NumQueuedOf(const std::string& owner) const;

  /// Takes in a job that was made, or queued again.
  void Add(const JobRecord& job);

  /// Moves a job from its present state. Errors as JobStore::MoveJob.
  Result<JobRecord> Move(JobId id, const Transition& transition);

  /// Errors as JobStore::StartAttempt.
  Result<AttemptRecord> StartAttempt(JobId id, const std::vector<std::string>& devices);

  /// Ends an attempt and moves its job on; an interrupted job is counted and queued again, or fails
  /// for good. After a failure it may be called again: what is done already is not done twice.
  /// `end_unix_ms`: when its worker ended.
  Status EndAttempt(JobId id, int attempt, const Transition& transition, int64_t end_unix_ms);

  /// Finishes what was under way for a job found INTERRUPTED. As EndAttempt after a failure.
  Status SettleInterruption(JobId id);

  /// Stores the sentences that differ from the ones stored, of jobs that are QUEUED still.
  Status SetWaitingMessages(const std::map<JobId, Sentence>& messages);

  /// Notes since when a job's worker tells nothing; 0 = it tells again. No change is no error.
  Status SetStalledSince(JobId id, int64_t unix_ms);

  /// Reads a job again from the store, which may know better after a failure.
  Status Refresh(JobId id);

  /// Returns the state of any job, ended ones too. kNotFound: no such job.
  Result<JobState> StateOf(JobId id);

  /// Returns when a job ended; 0 when it has not, or was deleted. Known without the store for those
  /// that StateOf() was asked for.
  int64_t EndOf(JobId id) const;

  /// Forgets what is known of a job that has ended: it was deleted.
  void Forget(JobId id) {
    ends_.erase(id);
    ++num_changes_;
  }

  /// Counts the changes of jobs, messages and stalls apart.
  int64_t num_changes() const { return num_changes_; }

  /// Returns the jobs that changed since the last call.
  std::vector<JobId> TakeChanged();

 private:
  void Keep(const JobRecord& job);
  void CountQueued(const JobRecord& job, int by);
  void TellObserver(const JobRecord& job);

  JobStore& store_;
  const Clock& clock_;
  JobObserver* const observer_;
  std::map<JobId, JobRecord> jobs_;
  int64_t num_changes_ = 0;
  int64_t num_queued_ = 0;  // of jobs_
  std::map<std::string, int64_t> num_queued_of_;
  struct End {
    JobState state;
    int64_t at_unix_ms;
  };
  std::map<JobId, End> ends_;  // of those asked for
  std::set<JobId> counted_;    // INTERRUPTED, and its interruption is counted
  std::set<JobId> changed_;
};

}  // namespace distill::server
