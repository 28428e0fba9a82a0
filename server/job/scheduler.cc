#include "server/job/scheduler.h"

#include <algorithm>
#include <optional>

namespace distill::server {
namespace {

bool Matches(const DeviceInfo& device, const std::string& requested) {
  if (requested.empty() || requested == device.id) return true;
  return device.index >= 0 && requested == std::to_string(device.index);
}

std::vector<const JobSnapshot*> QueuedInOrder(const std::vector<JobSnapshot>& jobs) {
  std::vector<const JobSnapshot*> queued;
  for (const JobSnapshot& job : jobs) {
    if (job.state == JobState::kQueued) queued.push_back(&job);
  }
  std::sort(queued.begin(), queued.end(), [](const JobSnapshot* left, const JobSnapshot* right) {
    if (left->priority != right->priority) return left->priority > right->priority;
    return left->id < right->id;
  });
  return queued;
}

// GPUs in order, then the CPU: a job that takes any device gets the fastest kind.
std::vector<const DeviceInfo*> GpusFirst(const std::vector<DeviceInfo>& devices) {
  std::vector<const DeviceInfo*> ordered;
  for (const DeviceInfo& device : devices) ordered.push_back(&device);
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const DeviceInfo* device) { return device->index >= 0; });
  return ordered;
}

// Returns why the jobs that `job` needs keep it from starting, if they do.
std::optional<WaitingReason> DependencyReason(const JobSnapshot& job,
                                              const std::map<JobId, JobState>& states) {
  std::optional<WaitingReason> waits;
  for (const JobId needed : job.depends_on) {
    const std::string name = "job " + std::to_string(needed);
    const auto found = states.find(needed);
    if (found == states.end()) {
      return WaitingReason{job.id, "blocked: needs " + name + ", which was deleted", true};
    }
    if (found->second == JobState::kSucceeded) continue;
    const std::string state(StateName(found->second));
    if (IsTerminal(found->second)) {
      return WaitingReason{job.id,
                           "blocked: needs " + name + ", which " +
                               (found->second == JobState::kFailed ? "FAILED" : "was CANCELLED") +
                               "; requeue " + name + " or cancel this one",
                           true};
    }
    if (!waits) waits = {job.id, "waits for " + name + ", which is " + state, false};
  }
  return waits;
}

// Hands out devices, one job each.
class FreeDevices {
 public:
  explicit FreeDevices(const SchedulerSnapshot& snapshot) : devices_(GpusFirst(snapshot.devices)) {
    for (const JobSnapshot& job : snapshot.jobs) {
      if (!job.held_device.empty()) holders_[job.held_device] = job.id;
    }
  }

  // Returns the id of a device for `job` and marks it as taken, or nothing.
  std::optional<std::string> Take(const JobSnapshot& job) {
    for (const DeviceInfo* device : devices_) {
      if (!Matches(*device, job.requested_device) || holders_.count(device->id) > 0) continue;
      holders_[device->id] = job.id;
      return device->id;
    }
    return std::nullopt;
  }

  WaitingReason ReasonFor(const JobSnapshot& job) const {
    if (devices_.empty()) return {job.id, "blocked: this server has no device", true};
    if (job.requested_device.empty()) {
      return {job.id,
              "waits for a free device: all " + std::to_string(devices_.size()) +
                  " are in use (higher priority first, then first come)",
              false};
    }
    for (const DeviceInfo* device : devices_) {
      if (!Matches(*device, job.requested_device)) continue;
      return {job.id,
              "waits for device " + job.requested_device + ", which job " +
                  std::to_string(holders_.at(device->id)) + " uses",
              false};
    }
    return {
        job.id,
        "blocked: asks for device " + job.requested_device + ", which this server does not have",
        true};
  }

 private:
  std::vector<const DeviceInfo*> devices_;
  std::map<std::string, JobId> holders_;
};

}  // namespace

ScheduleDecision Schedule(const SchedulerSnapshot& snapshot) {
  ScheduleDecision decision;
  FreeDevices free_devices(snapshot);
  for (const JobSnapshot* job : QueuedInOrder(snapshot.jobs)) {
    if (auto reason = DependencyReason(*job, snapshot.dependency_states)) {
      decision.waiting.push_back(std::move(*reason));
    } else if (auto device = free_devices.Take(*job)) {
      decision.starts.push_back({job->id, std::move(*device)});
    } else {
      decision.waiting.push_back(free_devices.ReasonFor(*job));
    }
  }
  return decision;
}

}  // namespace distill::server
