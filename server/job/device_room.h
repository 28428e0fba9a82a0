#pragma once

#include <map>
#include <optional>
#include <set>
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

  /// Takes room for `job` on all the devices that it needs and returns their ids, or nothing.
  std::optional<std::vector<std::string>> Take(const JobSnapshot& job, Reach reach);

  /// Finds the fewest jobs that have to be told to leave so that `job` gets all its devices, which
  /// are kept for it. Empty: leaving would not give it all, or those that have to go are leaving
  /// already.
  std::vector<JobId> Preempt(const JobSnapshot& job);

  /// Says why `job` found no device, and keeps for it what may be kept: a shared device that can be
  /// emptied, or, for the first job that needs several of a kind, as many as it needs.
  WaitingReason KeepAndExplain(const JobSnapshot& job);

  /// Returns what is kept for jobs that need several devices.
  const std::vector<Reservation>& reservations() const { return reservations_; }

 private:
  // What stands between a job and a device.
  enum class Obstacle { kNone, kClosed, kHeld, kMemory, kOutsiders, kKept, kTooSmall };

  struct Device {
    const DeviceInfo* info = nullptr;
    std::vector<const JobSnapshot*> holders;
    int64_t reserved_bytes = 0;
    bool is_whole = false;  // its holder has it to itself
    JobId kept_for = 0;
    int64_t kept_until_unix_ms = 0;  // when that job can start at the earliest; 0 = unknown
  };

  // Devices that one job may use together: the CPU's, or the GPUs of one model.
  struct Kind {
    std::vector<Device*> devices;
    bool is_reserved = false;  // for a job that needs several
  };

  // Devices of one kind for a job that needs several.
  struct Choice {
    Kind* kind = nullptr;
    std::vector<Device*> devices;
    std::vector<JobId> leavers;  // jobs that have to be told to leave first
    size_t num_free = 0;
    int64_t free_at_unix_ms = 0;  // when all of them will be; 0 = unknown
  };

  bool Shares(const JobSnapshot& job, const Device& device) const;
  int64_t BytesFor(const JobSnapshot& job) const;
  Obstacle ObstacleTo(const JobSnapshot& job, const Device& device) const;
  bool IsKeptFrom(const JobSnapshot& job, const Device& device) const;
  bool MayTake(const JobSnapshot& job, const Device& device, Reach reach) const;
  bool IsBetter(const JobSnapshot& job, const Device& device, const Device& other) const;
  Device* BestFor(const JobSnapshot& job, Reach reach);
  WaitingReason Explain(const JobSnapshot& job) const;
  void KeepFor(const JobSnapshot& job);
  bool CouldBeEmptied(const JobSnapshot& job, const Device& device) const;
  bool IsLeaving(const JobSnapshot& holder) const;
  bool MayPreempt(const JobSnapshot& job, const JobSnapshot& holder) const;
  std::vector<const JobSnapshot*> PossibleLeavers(const JobSnapshot& job,
                                                  const Device& device) const;
  std::optional<std::vector<const JobSnapshot*>> Leavers(const JobSnapshot& job,
                                                         const Device& device) const;
  std::optional<std::vector<JobId>> ToBeTold(const JobSnapshot& job, const Device& device) const;
  Sentence HeldText(const JobSnapshot& job, const std::vector<JobId>& holders) const;
  void Describe(const JobSnapshot& job, const std::map<Obstacle, const Device*>& obstacles,
                WaitingReason& reason) const;
  void Hold(Device& device, const JobSnapshot& job);

  // For jobs that need several devices: device_reservation.cc.
  void SortIntoKinds();
  int64_t FreeAt(const Device& device) const;
  std::vector<Device*> OpenOnes(const JobSnapshot& job, const Kind& kind) const;
  std::optional<std::vector<std::string>> TakeSeveral(const JobSnapshot& job);
  Choice SoonestFree(const JobSnapshot& job, Kind& kind) const;
  std::optional<std::vector<JobId>> NewLeavers(const JobSnapshot& job, const Device& device,
                                               const std::set<JobId>& told) const;
  std::optional<Choice> FewestLeavers(const JobSnapshot& job, Kind& kind) const;
  std::vector<JobId> PreemptSeveral(const JobSnapshot& job);
  static bool IsSooner(const Choice& one, const Choice& other);
  void Reserve(const JobSnapshot& job, const Choice& choice);
  void ReserveSeveral(const JobSnapshot& job);
  struct Shortage;
  Shortage ShortageOf(const JobSnapshot& job) const;
  static void Describe(const JobSnapshot& job, const Shortage& shortage, WaitingReason& reason);
  WaitingReason ExplainSeveral(const JobSnapshot& job) const;

  const SchedulerSnapshot& snapshot_;
  std::vector<Device> devices_;  // GPUs first
  std::vector<Kind> kinds_;      // in the same order
  std::vector<Reservation> reservations_;
  std::set<JobId> told_;  // to leave, in this pass
};

/// Returns whether a job that asks for `requested` ("" = any, "cpu", an index, an id) may have
/// `device`.
bool Suits(const DeviceInfo& device, const std::string& requested);

/// Returns what a device has in common with those that one job may use beside it: "cpu", or the
/// GPU's model.
std::string DeviceKind(const DeviceInfo& device);

}  // namespace distill::server
