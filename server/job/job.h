#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/job/job_id.h"
#include "server/job/sentence.h"

namespace distill::server {

/// The numbers equal distill.v1.JobState; they are stored.
enum class JobState : int {
  kQueued = 1,
  kStarting = 2,
  kRunning = 3,
  kCancelling = 4,
  kPausing = 5,
  kPaused = 6,
  kInterrupted = 7,
  kSucceeded = 8,
  kFailed = 9,
  kCancelled = 10,
};

/// The numbers equal distill.v1.Cause; they are stored.
enum class Cause : int {
  kNone = 0,
  kUser = 1,
  kOutOfMemory = 2,
  kDiverged = 3,
  kBadData = 4,
  kBadSpec = 5,
  kTimeLimit = 6,
  kWorkerLost = 7,
  kDeviceError = 8,
  kPreempted = 9,
  kDependencyFailed = 10,
  kStorage = 11,
  kInternal = 12,
};

enum class JobKind : int { kTrain = 1, kEval = 2 };

/// How a job that another one comes after must have ended. The numbers equal
/// distill.v1.AfterCondition; they are stored.
enum class AfterCondition : int {
  kOk = 1,    // SUCCEEDED
  kAny = 2,   // ended, whatever came of it
  kFail = 3,  // FAILED or CANCELLED
};

/// A job that must have ended before another one starts; nothing of it is used.
struct AfterJob {
  JobId job = 0;
  AfterCondition condition = AfterCondition::kOk;
  bool operator==(const AfterJob&) const = default;
};

std::string_view StateName(JobState state);  // "QUEUED"
/// Returns the state of that name, or nullopt.
std::optional<JobState> ParseStateName(std::string_view name);
std::string_view CauseName(Cause cause);  // "OUT_OF_MEMORY"; "" for kNone

/// Returns whether a job in `state` has ended for good (unless somebody requeues it).
bool IsTerminal(JobState state);

/// Returns whether a worker process may exist for a job in `state`.
bool HasWorker(JobState state);

/// Returns the ids of a job's devices as they are stored and shown, "GPU-a,GPU-b", and back.
std::string DevicesText(const std::vector<std::string>& devices);
std::vector<std::string> ParseDevices(std::string_view text);

/// Returns whether a job may go from `from` to `to`: the one table of legal moves.
bool CanMove(JobState from, JobState to);

/// A change of state, with who made it and why.
struct Transition {
  JobState to = JobState::kQueued;
  Cause cause = Cause::kNone;
  std::string actor;  // "user NAME", "scheduler", "daemon", "worker"
  Sentence message;
};

/// What a user asked for, checked and resolved; immutable once stored.
struct JobSpec {
  std::string name;
  std::string owner;
  JobKind kind = JobKind::kTrain;
  /// distill.v1.Job as given (user's fields only), serialised. Opaque here.
  std::string given;
  /// distill.v1.Job with every default filled in and names resolved, serialised. Opaque here.
  std::string resolved;
  std::map<std::string, std::string> labels;
  int priority = 0;
  std::string device;              // "" = any; "cpu"; GPU index or UUID
  int64_t gpu_memory_bytes = 0;    // its share of a GPU; 0 = it has the device to itself
  int num_devices = 1;             // of one kind, whole ones if there are several
  int64_t time_limit_seconds = 0;  // of an attempt; 0 = none
  // How often each cause sends it back to the queue before it fails for good.
  int max_interruptions = 3;
  int max_device_errors = 1;
  int max_preemptions = 10;       // once used up, it is left alone
  int num_epochs = 0;             // for progress; 0 for evaluations
  std::string dataset;            // name of the data set used
  std::vector<JobId> depends_on;  // jobs that must have succeeded (their checkpoint is used)
  std::vector<AfterJob> after;    // jobs that must have ended, nothing of which is used
  std::string group;              // jobs that belong together; "" = none
  int max_parallel = 0;           // jobs of its group that may run beside each other; 0 = all
  std::string model;              // architecture, for lists
  /// The same for jobs that need as much memory: jobs of one key tell what the next will use.
  std::string memory_key;
};

struct JobProgress {
  int epoch = 0;
  int num_epochs = 0;
  int64_t step = 0;
  int64_t steps_per_epoch = 0;
  double images_per_second = 0;
  int64_t eta_unix_ms = 0;
  std::string phase;
};

/// A job and all that is known of it now.
struct JobRecord {
  JobId id = 0;
  JobSpec spec;
  JobState state = JobState::kQueued;
  Cause cause = Cause::kNone;
  Sentence message;
  std::string actor;
  int64_t created_at_unix_ms = 0;
  int64_t queued_at_unix_ms = 0;  // since when it counts as waiting; an interruption keeps it
  int64_t started_at_unix_ms = 0;
  int64_t finished_at_unix_ms = 0;
  int num_attempts = 0;
  // Spent of the retry budgets.
  int num_interruptions = 0;
  int num_device_errors = 0;
  int num_preemptions = 0;
  /// Since when its worker, which is alive, has told nothing; 0 = it is not so.
  int64_t stalled_since_unix_ms = 0;
  std::vector<std::string> devices;  // of the newest attempt
  JobProgress progress;              // not durable to the second
  std::map<std::string, double> latest_metrics;
  std::map<std::string, double> best_metrics;
};

/// One run of a job in one worker process.
struct AttemptRecord {
  JobId job = 0;
  int number = 0;  // from 1
  JobState state = JobState::kStarting;
  Cause cause = Cause::kNone;
  Sentence message;
  std::vector<std::string> devices;  // DeviceInfo::id of each
  int64_t started_at_unix_ms = 0;
  int64_t finished_at_unix_ms = 0;
  int pid = 0;
  /// Field 22 of /proc/PID/stat: with the pid, names a process for ever.
  int64_t pid_start_ticks = 0;
  int resumed_from_epoch = 0;
};

/// How much an event matters. The numbers equal distill.v1.EventLevel; they are stored.
enum class EventLevel : int {
  kInformation = 1,
  kWarning = 2,  // to be looked at
};

struct JobEventRecord {
  int64_t id = 0;
  JobId job = 0;
  int64_t at_unix_ms = 0;
  std::optional<JobState> from;
  Transition transition;
  EventLevel level = EventLevel::kInformation;
};

}  // namespace distill::server
