#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/dataset.h"
#include "server/job/job.h"
#include "server/job/run_event.h"
#include "server/job/usage_history.h"

namespace distill::server {

struct JobListQuery {
  int page_size = 50;
  JobId before_id = 0;           // 0 = from the newest
  std::vector<JobState> states;  // empty = all
  std::string owner;             // empty = all
  std::string name_prefix;
  std::string group;  // empty = all
};

struct MetricPoint {
  std::string name;
  int epoch = 0;
  int64_t step = 0;
  double value = 0;
  int64_t at_unix_ms = 0;
  int attempt = 0;
};

struct MetricPage {
  std::vector<MetricPoint> points;  // by name, then step
  int64_t cursor = 0;
};

/// The answer to a request id seen before.
struct KnownRequest {
  std::string content_sha256;
  std::vector<JobId> jobs;
};

/// A request for jobs, of which all are made or none. Whoever passes it on keeps what it refers to.
struct JobRequest {
  const std::vector<JobSpec>& jobs;
  const std::string& request_id;      // "" = none
  const std::string& content_sha256;  // tells requests of one id apart
};

/// How many jobs there are, and who waits.
struct JobCounts {
  std::map<JobState, int64_t> by_state;  // those that have none are left out
  int64_t num_active_owners = 0;         // of jobs that have not ended
  int64_t oldest_queued_at_unix_ms = 0;  // since when the first in the queue waits; 0 = none does
};

/// What a job like another one used of a GPU.
struct MemoryPeak {
  JobId job = 0;
  int64_t bytes = 0;
};

/// Keeps jobs, data sets and metrics across restarts.
/// Thread-safe. Every call blocks on disk: not for gRPC reactions.
/// All calls: kResourceExhausted: the disk is full. kUnavailable: busy, a retry may help.
/// kDataLoss: the database is damaged.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Adds the jobs of each request in state QUEUED, with its request id: all of a request or none,
  /// whatever becomes of the others. Durable when this returns, by one write to disk for all.
  /// Returns an answer for each request: its jobs, in order. A job may depend on an earlier one of
  /// its list by a negative id: -1 is the first.
  /// kNotFound: a job depends on one that does not exist.
  /// kAlreadyExists: a name is taken, or the request id is known (see FindRequest).
  virtual std::vector<Result<std::vector<JobRecord>>> InsertRequests(
      const std::vector<JobRequest>& requests, int64_t now_unix_ms) = 0;
  /// As InsertRequests with one. Returns the ids.
  Result<std::vector<JobId>> InsertJobs(const std::vector<JobSpec>& jobs,
                                        const std::string& request_id,
                                        const std::string& content_sha256, int64_t now_unix_ms);
  virtual Result<std::optional<KnownRequest>> FindRequest(const std::string& request_id) = 0;

  /// kNotFound: no such job.
  virtual Result<JobRecord> FindJob(JobId id) = 0;
  /// Returns the id of the job called `name`, or kNotFound.
  virtual Result<JobId> FindJobByName(const std::string& name) = 0;
  /// Returns the newest job of `owner`, or kNotFound.
  virtual Result<JobId> FindNewestJob(const std::string& owner) = 0;
  /// Newest first, by id.
  virtual Result<std::vector<JobRecord>> ListJobs(const JobListQuery& query) = 0;
  /// All jobs that have not ended.
  virtual Result<std::vector<JobRecord>> ListActiveJobs() = 0;
  virtual Result<JobCounts> CountJobs() = 0;
  /// Jobs that depend on `id` and have not ended.
  virtual Result<std::vector<JobId>> ListActiveDependents(JobId id) = 0;

  /// Moves a job, if it is in state `from`, and records the event; durable on return. A job that
  /// goes from FAILED or CANCELLED to QUEUED gets its whole retry budgets back; one that comes from
  /// INTERRUPTED keeps its queued_at_unix_ms.
  /// kFailedPrecondition: it is in another state (nothing changed), or the move is not legal.
  virtual Result<JobRecord> MoveJob(JobId id, JobState from, const Transition& transition,
                                    int64_t now_unix_ms) = 0;
  /// Moves a QUEUED job to STARTING and adds its next attempt. Errors as MoveJob.
  virtual Result<AttemptRecord> StartAttempt(JobId id, const std::vector<std::string>& devices,
                                             int64_t now_unix_ms) = 0;
  /// Notes the process that an attempt runs in.
  virtual Status SetAttemptProcess(JobId id, int attempt, int pid, int64_t pid_start_ticks) = 0;
  /// Ends an attempt.
  virtual Status FinishAttempt(JobId id, int attempt, const Transition& transition,
                               int64_t now_unix_ms) = 0;
  virtual Result<std::vector<AttemptRecord>> ListAttempts(JobId id) = 0;
  virtual Result<std::vector<JobEventRecord>> ListEvents(JobId id, int64_t after_event_id) = 0;
  /// Events of all jobs, oldest first, at most `limit`. Those of deleted jobs are gone.
  virtual Result<std::vector<JobEventRecord>> ListAllEvents(int64_t after_event_id, int limit) = 0;
  /// Returns the id of the newest event, or 0.
  virtual Result<int64_t> NewestEventId() = 0;
  /// Counts an interruption against the job's retry budget for its cause (device errors,
  /// pre-emptions, all others).
  virtual Status AddInterruption(JobId id, Cause cause) = 0;
  /// Who held which device, in stretches that ended at `since_unix_ms` or later, oldest first.
  /// Attempts of deleted jobs are among them.
  virtual Result<std::vector<DeviceUsage>> ListUsage(int64_t since_unix_ms) = 0;
  /// Returns the peak of the newest job with this JobSpec::memory_key that told one; nothing when
  /// there is none.
  virtual Result<std::optional<MemoryPeak>> FindMemoryPeak(const std::string& memory_key) = 0;
  /// Sets the sentences that say why jobs wait (their states stay), all in one transaction. A job
  /// that is no longer QUEUED keeps its message.
  virtual Status SetWaitingMessages(const std::map<JobId, Sentence>& messages) = 0;
  /// Notes since when a job's worker tells nothing; 0 = it tells again. Leaving the states that
  /// have a worker ends it too.
  virtual Status SetStalledSince(JobId id, int64_t unix_ms) = 0;
  /// Removes an ended job and all its rows; figures that cannot be removed now are removed at the
  /// next start, and so is the job's folder. kFailedPrecondition: it has not ended.
  virtual Status DeleteJob(JobId id) = 0;

  /// Returns the journal offset up to which an attempt's events are stored.
  virtual Result<int64_t> JournalOffset(JobId id, int attempt) = 0;
  /// Stores the rows of a stretch of journal (metrics, artifacts, evaluations, progress, notices)
  /// and its end, so that each event counts exactly once whatever dies when: a batch whose start is
  /// before the stored offset is stored from there on only (told by the events' sequence numbers).
  /// The states of jobs are not changed here; that of the attempt is: RUNNING at WorkerStarted, the
  /// outcome's at WorkerOutcome (with no end time until FinishAttempt). A notice becomes a
  /// JobEventRecord whose `from` equals its `to`.
  /// WorkerStarted removes metric points of epochs
  /// after the one resumed from: they are about to be made again. kOutOfRange: events between the
  /// stored offset and `from_offset` are missing.
  virtual Status StoreRunEvents(JobId id, int attempt, int64_t from_offset,
                                const RunEventBatch& batch) = 0;

  /// Points of the named series (empty = all) stored after `cursor`. A series has one point for
  /// each epoch; one that was made again replaces the earlier one and is listed again.
  virtual Result<MetricPage> ListMetrics(JobId id, const std::vector<std::string>& names,
                                         int64_t cursor) = 0;
  virtual Result<std::vector<ArtifactRecord>> ListArtifacts(JobId id) = 0;
  /// Returns the bytes of all artifacts that jobs of `owner` have registered.
  virtual Result<int64_t> ArtifactBytesOf(const std::string& owner) = 0;
  /// Evaluations of the models of `jobs`, and those made by evaluation jobs among them; oldest
  /// first.
  virtual Result<std::vector<EvaluationRecord>> ListEvaluations(const std::vector<JobId>& jobs) = 0;

  /// Adds a data set in state SCANNING and returns its id. kAlreadyExists: the name is taken.
  virtual Result<int64_t> InsertDataset(const DatasetRecord& dataset) = 0;
  /// kNotFound: no such data set.
  virtual Result<DatasetRecord> FindDataset(const std::string& name) = 0;
  virtual Result<std::vector<DatasetRecord>> ListDatasets() = 0;
  /// Replaces state, message, counts and report of `dataset.id`.
  virtual Status UpdateDataset(const DatasetRecord& dataset) = 0;
  /// Does nothing where a job that has not ended uses it, and returns that one. kNotFound: no such
  /// data set.
  virtual Result<std::optional<JobId>> DeleteDataset(const std::string& name) = 0;

  virtual int SchemaVersion() = 0;
};

}  // namespace distill::server
