#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "server/job/device.h"
#include "server/job/job.h"

namespace distill::server {

/// What the scheduler needs to know of a job that has not ended.
struct JobSnapshot {
  JobId id = 0;
  JobState state = JobState::kQueued;
  int priority = 0;
  std::string requested_device;           // "" = any; "cpu"; index or UUID
  std::vector<std::string> held_devices;  // ids of those that its worker holds
  std::vector<JobId> depends_on;
  std::vector<AfterJob> after;
  std::string owner;
  int64_t gpu_memory_bytes = 0;  // 0 = it wants the device to itself
  int num_devices = 1;           // several: of one kind, each to itself
  int64_t time_limit_ms = 0;     // 0 = it may take for ever
  std::string group;             // with its owner, what max_parallel counts
  int max_parallel = 0;
  /// When it was queued, or when the last job that it needs ended, whichever is later.
  int64_t waiting_since_unix_ms = 0;
  bool is_delayed = false;     // it was interrupted and waits a while
  bool has_room_made = false;  // jobs were told to leave for it: before all others
  // Of one that holds a device.
  int64_t started_at_unix_ms = 0;
  int64_t expected_end_unix_ms = 0;  // from its progress or its time limit; 0 = unknown
  bool can_be_preempted = false;     // it has a checkpoint to come back from, and budget left
  bool is_leaving = false;           // it was told to
};

/// Users who together have no more than these; 0 = no limit.
struct UserGroup {
  std::string name;
  std::vector<std::string> users;
  int max_running_jobs = 0;
  int max_devices = 0;
};

/// The rules that a server sets.
struct SchedulerPolicy {
  /// A job gains a point of priority each time that it has waited this long; 0 = never.
  int64_t ageing_step_ms = 3'600'000;
  int max_running_jobs_per_user = 0;  // 0 = no limit
  int max_devices_per_user = 0;
  std::vector<UserGroup> user_groups;
  /// What a worker needs on a GPU beside the memory that it declares.
  int64_t gpu_overhead_bytes = 0;
  /// What a job may take beyond its time limit: that counts from its first step, and the last
  /// checkpoint takes a moment too.
  int64_t time_limit_slack_ms = 120'000;
  bool has_preemption = false;
  int preemption_margin = 10;         // points of priority
  int64_t preemption_min_run_ms = 0;  // a job that ran for less is left alone
};

/// What a user had of the devices.
struct UserStanding {
  double used_seconds = 0;  // decayed, running jobs included
  /// Until when they had each device (Unix milliseconds): now, where they have it.
  std::map<std::string, int64_t> last_uses;
};

struct SchedulerSnapshot {
  std::vector<JobSnapshot> jobs;
  std::vector<DeviceInfo> devices;  // closed ones too
  /// States of the jobs that others depend on; one that is missing was deleted.
  std::map<JobId, JobState> dependency_states;
  std::map<std::string, UserStanding> users;  // one that is missing had nothing
  SchedulerPolicy policy;
  int64_t now_unix_ms = 0;
};

struct StartDecision {
  JobId job = 0;
  std::vector<std::string> devices;  // DeviceInfo::id of each
  bool operator==(const StartDecision&) const = default;
};

/// What keeps a job from starting. The numbers equal distill.v1.WaitingRule.
enum class WaitingRule : int {
  kDependency = 1,      // a job that it needs has not ended
  kDependencyLost = 2,  // a job that it needs ended otherwise, or was deleted
  kDelay = 3,           // it was interrupted a moment ago
  kMaxParallel = 4,     // as many of its group run as may
  kUserLimit = 5,       // its owner has as much as one user may have
  kUserGroupLimit = 6,  // so have the users of a group that its owner belongs to
  kDevice = 7,          // each device that suits it is held
  kMemory = 8,          // ... or has too little memory left
  kKept = 9,            // ... or is kept for a job before it
  kDeviceClosed = 10,   // each device that suits it takes no jobs
  kNoSuchDevice = 11,
  kTooLarge = 12,  // it declares more memory than any device has
};

struct WaitingReason {
  JobId job = 0;
  WaitingRule rule = WaitingRule::kDevice;
  Sentence reason;  // "waits for job 3, which is RUNNING"
  /// True when it can never start as things are: somebody has to do something.
  bool is_blocked = false;
  std::vector<JobId> holders;  // the jobs that it waits for, by id
  int place = 0;               // in the order of all queued jobs, from 1
};

/// Devices that are kept for a job that needs several until it has enough of them.
struct Reservation {
  JobId job = 0;
  std::vector<std::string> devices;  // DeviceInfo::id; fewer than it needs where no more are open
  int64_t starts_at_unix_ms = 0;     // when all will be free; 0 = unknown
};

/// A running job that is to make room.
struct PreemptionDecision {
  JobId job = 0;
  JobId for_job = 0;
  bool operator==(const PreemptionDecision&) const = default;
};

struct ScheduleDecision {
  std::vector<StartDecision> starts;
  std::vector<WaitingReason> waiting;  // every queued job that is not started, in order
  std::vector<PreemptionDecision> preemptions;
  std::vector<Reservation> reservations;
};

/// Decides which queued jobs start now, on which devices, and says of every other why it waits.
/// Pure: same input, same answer; no clock, no lock, no I/O.
///
/// The order: points first. A job has its priority, and one point more for each ageing step that it
/// has waited since it could have started, or since its owner last had a device that it could have
/// used, whichever is later: a user's thousandth job does not grow old while the first ones run.
/// Then fair share: the job of the user who had less of the devices. Then first come (lower id).
/// A job that others were told to leave for is before all.
///
/// A device is taken whole, or in shares of declared memory. Shares count from admission on,
/// against the device's memory less what outsiders have. A job that finds no device although one
/// could be emptied for it has that one kept for it: none after it joins, so that small jobs cannot
/// starve a large one.
///
/// A job that needs several devices starts with all of them or not at all. The first such job in
/// the order that finds too few of a kind reserves as many: those that are free, then those that
/// will be free soonest. One that falls free is kept for it, and a job after it may use such a
/// device only if its time limit ends before the reservation's start. All other devices go to jobs
/// after it.
///
/// So no user starves: once a job is older than any by the whole range of priorities (in ageing
/// steps), each other user gets at most one more turn on a device before it.
ScheduleDecision Schedule(const SchedulerSnapshot& snapshot);

}  // namespace distill::server
