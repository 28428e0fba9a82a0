#include "server/job/device_room.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace distill::server {
namespace {

std::string GibText(int64_t bytes) {
  constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f GiB", static_cast<double>(bytes) / kGib);
  return text;
}

std::string WhichText(const JobSnapshot& job) {
  return job.requested_device.empty() ? "a device" : "device " + job.requested_device;
}

}  // namespace

bool Suits(const DeviceInfo& device, const std::string& requested) {
  if (requested.empty() || requested == device.id) return true;
  if (requested == "cpu") return IsCpu(device.id);
  return device.index >= 0 && requested == std::to_string(device.index);
}

DeviceRoom::DeviceRoom(const SchedulerSnapshot& snapshot) : snapshot_(snapshot) {
  for (const DeviceInfo& info : snapshot.devices) devices_.push_back({&info, {}, 0, false, 0, 0});
  // A job that takes any device gets the fastest kind.
  std::stable_partition(devices_.begin(), devices_.end(),
                        [](const Device& device) { return device.info->index >= 0; });
  for (const JobSnapshot& job : snapshot.jobs) {
    for (const std::string& held : job.held_devices) {
      for (Device& device : devices_) {
        if (device.info->id == held) Hold(device, job);
      }
    }
  }
  SortIntoKinds();
}

// Only GPUs have memory of their own to share.
bool DeviceRoom::Shares(const JobSnapshot& job, const Device& device) const {
  return job.gpu_memory_bytes > 0 && job.num_devices == 1 && device.info->index >= 0;
}

// A job that ends before the other one can start does not delay it.
bool DeviceRoom::IsKeptFrom(const JobSnapshot& job, const Device& device) const {
  if (device.kept_for == 0 || device.kept_for == job.id) return false;
  if (device.kept_until_unix_ms == 0 || job.time_limit_ms == 0) return true;
  return snapshot_.now_unix_ms + job.time_limit_ms + snapshot_.policy.time_limit_slack_ms >
         device.kept_until_unix_ms;
}

int64_t DeviceRoom::BytesFor(const JobSnapshot& job) const {
  return job.gpu_memory_bytes + snapshot_.policy.gpu_overhead_bytes;
}

void DeviceRoom::Hold(Device& device, const JobSnapshot& job) {
  device.holders.push_back(&job);
  if (Shares(job, device)) {
    device.reserved_bytes += BytesFor(job);
  } else {
    device.is_whole = true;
  }
}

DeviceRoom::Obstacle DeviceRoom::ObstacleTo(const JobSnapshot& job, const Device& device) const {
  const DeviceInfo& info = *device.info;
  if (!info.closed_because.empty()) return Obstacle::kClosed;
  if (Shares(job, device)) {
    if (BytesFor(job) > info.memory_total_bytes) return Obstacle::kTooSmall;
    if (device.is_whole) return Obstacle::kHeld;
    const int64_t room = info.memory_total_bytes - info.foreign_memory_bytes;
    if (BytesFor(job) > room) return Obstacle::kOutsiders;
    if (IsKeptFrom(job, device)) return Obstacle::kKept;
    return BytesFor(job) > room - device.reserved_bytes ? Obstacle::kMemory : Obstacle::kNone;
  }
  if (!device.holders.empty()) return Obstacle::kHeld;
  return IsKeptFrom(job, device) ? Obstacle::kKept : Obstacle::kNone;
}

bool DeviceRoom::MayTake(const JobSnapshot& job, const Device& device, Reach reach) const {
  if (!Suits(*device.info, job.requested_device)) return false;
  if (ObstacleTo(job, device) != Obstacle::kNone) return false;
  return reach == Reach::kAll ||
         std::any_of(device.holders.begin(), device.holders.end(),
                     [&](const JobSnapshot* holder) { return holder->owner == job.owner; });
}

bool DeviceRoom::IsBetter(const JobSnapshot& job, const Device& device, const Device& other) const {
  const auto is_lent = [&](const Device& one) {
    return one.kept_for != 0 && one.kept_for != job.id;
  };
  if (is_lent(device) != is_lent(other)) return is_lent(other);
  // Of those that it shares, the fullest: others stay free for jobs that need a whole one.
  return Shares(job, device) && Shares(job, other) && device.reserved_bytes > other.reserved_bytes;
}

DeviceRoom::Device* DeviceRoom::BestFor(const JobSnapshot& job, Reach reach) {
  Device* best = nullptr;
  for (Device& device : devices_) {
    if (!MayTake(job, device, reach)) continue;
    if (best == nullptr || IsBetter(job, device, *best)) best = &device;
  }
  return best;
}

std::optional<std::vector<std::string>> DeviceRoom::Take(const JobSnapshot& job, Reach reach) {
  if (job.num_devices > 1) {
    return reach == Reach::kAll ? TakeSeveral(job) : std::nullopt;
  }
  Device* const best = BestFor(job, reach);
  if (best == nullptr) return std::nullopt;
  Hold(*best, job);
  if (best->kept_for == job.id) best->kept_for = 0;
  return std::vector<std::string>{best->info->id};
}

// Whether `job` could have the device once the jobs that share it have left.
bool DeviceRoom::CouldBeEmptied(const JobSnapshot& job, const Device& device) const {
  if (device.is_whole || device.holders.empty() || device.kept_for != 0) return false;
  const Obstacle obstacle = ObstacleTo(job, device);
  return obstacle == Obstacle::kHeld || obstacle == Obstacle::kMemory;
}

void DeviceRoom::KeepFor(const JobSnapshot& job) {
  Device* best = nullptr;
  for (Device& device : devices_) {
    if (device.kept_for == job.id) return;
    if (!Suits(*device.info, job.requested_device) || !CouldBeEmptied(job, device)) continue;
    if (best == nullptr || device.reserved_bytes < best->reserved_bytes) best = &device;
  }
  if (best != nullptr) best->kept_for = job.id;
}

bool DeviceRoom::IsLeaving(const JobSnapshot& holder) const {
  return holder.is_leaving || told_.count(holder.id) > 0;
}

bool DeviceRoom::MayPreempt(const JobSnapshot& job, const JobSnapshot& holder) const {
  const SchedulerPolicy& policy = snapshot_.policy;
  return holder.state == JobState::kRunning && holder.can_be_preempted &&
         job.priority > holder.priority &&
         job.priority >= holder.priority + policy.preemption_margin &&
         snapshot_.now_unix_ms - holder.started_at_unix_ms >= policy.preemption_min_run_ms;
}

// Those of its holders that leave anyway; then those that may be told to, of least priority and
// that lose least first.
std::vector<const JobSnapshot*> DeviceRoom::PossibleLeavers(const JobSnapshot& job,
                                                            const Device& device) const {
  std::vector<const JobSnapshot*> possible;
  for (const JobSnapshot* holder : device.holders) {
    if (IsLeaving(*holder) || MayPreempt(job, *holder)) possible.push_back(holder);
  }
  std::sort(possible.begin(), possible.end(), [this](const auto* left, const auto* right) {
    if (IsLeaving(*left) != IsLeaving(*right)) return IsLeaving(*left);
    if (left->priority != right->priority) return left->priority < right->priority;
    return left->started_at_unix_ms > right->started_at_unix_ms;
  });
  return possible;
}

// Finds the fewest jobs whose leaving makes room for `job` on the device; nothing: no set of them
// that may be told to leave does.
std::optional<std::vector<const JobSnapshot*>> DeviceRoom::Leavers(const JobSnapshot& job,
                                                                   const Device& device) const {
  std::vector<const JobSnapshot*> possible = PossibleLeavers(job, device);
  if (!Shares(job, device) || device.is_whole) {
    if (possible.size() != device.holders.size()) return std::nullopt;
    return possible;
  }
  int64_t missing = BytesFor(job) + device.reserved_bytes + device.info->foreign_memory_bytes -
                    device.info->memory_total_bytes;
  std::vector<const JobSnapshot*> leavers;
  for (const JobSnapshot* leaver : possible) {
    if (missing <= 0) break;
    missing -= BytesFor(*leaver);
    leavers.push_back(leaver);
  }
  if (missing > 0) return std::nullopt;
  return leavers;
}

// Finds the jobs that have to be told to leave the device so that `job` gets it; nothing: it would
// not.
std::optional<std::vector<JobId>> DeviceRoom::ToBeTold(const JobSnapshot& job,
                                                       const Device& device) const {
  if (!Suits(*device.info, job.requested_device) || device.holders.empty()) return std::nullopt;
  const Obstacle obstacle = ObstacleTo(job, device);
  if (obstacle != Obstacle::kHeld && obstacle != Obstacle::kMemory) return std::nullopt;
  if (device.kept_for != 0 && device.kept_for != job.id) return std::nullopt;
  const auto leavers = Leavers(job, device);
  if (!leavers) return std::nullopt;
  std::vector<JobId> told;
  for (const JobSnapshot* leaver : *leavers) {
    if (!IsLeaving(*leaver)) told.push_back(leaver->id);
  }
  return told;
}

std::vector<JobId> DeviceRoom::Preempt(const JobSnapshot& job) {
  if (job.num_devices > 1) return PreemptSeveral(job);
  Device* best = nullptr;
  std::vector<JobId> fewest;
  for (Device& device : devices_) {
    const auto told = ToBeTold(job, device);
    if (!told || (best != nullptr && told->size() >= fewest.size())) continue;
    best = &device;
    fewest = *told;
  }
  if (best != nullptr) best->kept_for = job.id;
  told_.insert(fewest.begin(), fewest.end());
  return fewest;
}

Sentence DeviceRoom::HeldText(const JobSnapshot& job, const std::vector<JobId>& holders) const {
  if (job.requested_device.empty()) {
    return "waits for a free device: all " + std::to_string(devices_.size()) + " are in use";
  }
  if (holders.size() != 1) return "waits for " + WhichText(job) + ", which other jobs use";
  return "waits for " + WhichText(job) + ", which " + Sentence::Naming(holders.front()) + " uses";
}

// Of several obstacles the one is told that passes first.
void DeviceRoom::Describe(const JobSnapshot& job,
                          const std::map<Obstacle, const Device*>& obstacles,
                          WaitingReason& reason) const {
  const std::string which = WhichText(job);
  const std::string memory = GibText(job.gpu_memory_bytes);
  const auto has = [&](Obstacle obstacle) { return obstacles.count(obstacle) == 1; };
  if (has(Obstacle::kMemory)) {
    reason.rule = WaitingRule::kMemory;
    reason.reason = "waits for " + memory + " of memory on " + which;
  } else if (has(Obstacle::kKept)) {
    reason.rule = WaitingRule::kKept;
    reason.reason = "waits for " + which + ", which is kept for " +
                    Sentence::Naming(obstacles.at(Obstacle::kKept)->kept_for) + ", a job before it";
  } else if (has(Obstacle::kHeld)) {
    reason.rule = WaitingRule::kDevice;
    reason.reason = HeldText(job, reason.holders);
  } else if (has(Obstacle::kOutsiders)) {
    reason.rule = WaitingRule::kMemory;
    reason.reason = "waits for " + memory + " of memory on " + which +
                    ": processes that this server did not start use it";
  } else if (has(Obstacle::kClosed)) {
    reason.rule = WaitingRule::kDeviceClosed;
    reason.reason =
        "waits for " + which + ": " + obstacles.at(Obstacle::kClosed)->info->closed_because;
  } else if (has(Obstacle::kTooSmall)) {
    reason.rule = WaitingRule::kTooLarge;
    reason.is_blocked = true;
    reason.reason = "blocked: asks for " + memory + " of GPU memory, more than " +
                    (job.requested_device.empty() ? "any device has" : which + " has");
  }
}

WaitingReason DeviceRoom::KeepAndExplain(const JobSnapshot& job) {
  if (job.num_devices > 1) {
    ReserveSeveral(job);
    return ExplainSeveral(job);
  }
  WaitingReason reason = Explain(job);
  KeepFor(job);
  return reason;
}

WaitingReason DeviceRoom::Explain(const JobSnapshot& job) const {
  WaitingReason reason;
  reason.job = job.id;
  std::map<Obstacle, const Device*> obstacles;  // with the first device of each
  std::set<JobId> holders;
  for (const Device& device : devices_) {
    if (!Suits(*device.info, job.requested_device)) continue;
    const Obstacle obstacle = ObstacleTo(job, device);
    obstacles.emplace(obstacle, &device);
    if (obstacle == Obstacle::kKept) holders.insert(device.kept_for);
    if (obstacle != Obstacle::kHeld && obstacle != Obstacle::kMemory) continue;
    for (const JobSnapshot* holder : device.holders) holders.insert(holder->id);
  }
  reason.holders.assign(holders.begin(), holders.end());
  if (obstacles.empty()) {
    reason.rule = WaitingRule::kNoSuchDevice;
    reason.is_blocked = true;
    reason.reason = devices_.empty() ? "blocked: this server has no device"
                                     : "blocked: asks for " + WhichText(job) +
                                           ", which this server does not have";
    return reason;
  }
  Describe(job, obstacles, reason);
  return reason;
}

}  // namespace distill::server
