#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/job/scheduler.h"

namespace distill::server {

/// The room that devices have left while jobs are given out: part of the scheduler.
/// Thread-compatible. The snapshot must outlive it.
class DeviceRoom {
 public:
  explicit DeviceRoom(const SchedulerSnapshot& snapshot);

  /// Which devices may be used: all, or those only that the job's owner has a share of already.
  enum class Reach { kAll, kOwn };

  /// Takes room for `job` on a device and returns its id, or nothing.
  std::optional<std::string> Take(const JobSnapshot& job, Reach reach);

  /// Keeps a device for a job that found none: the one that is emptied soonest, if there is one.
  void KeepFor(const JobSnapshot& job);

  /// Finds the fewest jobs that have to be told to leave so that `job` gets a device, which is kept
  /// for it. Empty: none may be told to, or those that have to go are leaving already.
  std::vector<JobId> Preempt(const JobSnapshot& job);

  /// Says why `job` found no device.
  WaitingReason Explain(const JobSnapshot& job) const;

 private:
  // What stands between a job and a device.
  enum class Obstacle { kNone, kClosed, kHeld, kMemory, kOutsiders, kKept, kTooSmall };

  struct Device {
    const DeviceInfo* info = nullptr;
    std::vector<const JobSnapshot*> holders;
    int64_t reserved_bytes = 0;
    bool is_whole = false;  // its holder has it to itself
    JobId kept_for = 0;
  };

  bool Shares(const JobSnapshot& job, const Device& device) const;
  int64_t BytesFor(const JobSnapshot& job) const;
  Obstacle ObstacleTo(const JobSnapshot& job, const Device& device) const;
  bool CouldBeEmptied(const JobSnapshot& job, const Device& device) const;
  bool MayPreempt(const JobSnapshot& job, const JobSnapshot& holder) const;
  std::optional<std::vector<const JobSnapshot*>> Leavers(const JobSnapshot& job,
                                                         const Device& device) const;
  std::string HeldText(const JobSnapshot& job, const std::vector<JobId>& holders) const;
  void Describe(const JobSnapshot& job, const std::map<Obstacle, const Device*>& obstacles,
                WaitingReason& reason) const;
  void Hold(Device& device, const JobSnapshot& job);

  const SchedulerSnapshot& snapshot_;
  std::vector<Device> devices_;  // GPUs first
};

/// Returns whether a job that asks for `requested` ("" = any, "cpu", an index, an id) may have
/// `device`.
bool Suits(const DeviceInfo& device, const std::string& requested);

}  // namespace distill::server
