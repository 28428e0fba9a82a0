#pragma once

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
  std::string requested_device;  // "" = any; "cpu"; index or UUID
  std::string held_device;       // id of the device that its worker holds, else ""
  std::vector<JobId> depends_on;
};

struct SchedulerSnapshot {
  std::vector<JobSnapshot> jobs;
  std::vector<DeviceInfo> devices;
  /// States of the jobs that others depend on; one that is missing was deleted.
  std::map<JobId, JobState> dependency_states;
};

struct StartDecision {
  JobId job = 0;
  std::string device;  // DeviceInfo::id
  bool operator==(const StartDecision&) const = default;
};

struct WaitingReason {
  JobId job = 0;
  std::string reason;  // "waits for job 3 (teacher), which is RUNNING"
  /// True when it can never start as things are: a dependency failed or was deleted.
  bool is_blocked = false;
};

struct ScheduleDecision {
  std::vector<StartDecision> starts;
  std::vector<WaitingReason> waiting;  // every queued job that is not started
};

/// Decides which queued jobs start now, on which device. Pure: same input, same answer; no clock,
/// no lock, no I/O. Higher priority first, then first come (lower id). One job per device. A job
/// that must wait never keeps a later one from a device that it could not use itself.
ScheduleDecision Schedule(const SchedulerSnapshot& snapshot);

}  // namespace distill::server
