// Jobs that need several devices: with all of them or not at all.
#include <algorithm>
#include <set>

#include "server/job/device_room.h"

namespace distill::server {
namespace {

std::string DevicesOf(const JobSnapshot& job) {
  const std::string of_cpu = job.requested_device == "cpu" ? " of the CPU" : " of one kind";
  return std::to_string(job.num_devices) + " devices" + of_cpu;
}

size_t NumWanted(const JobSnapshot& job) { return static_cast<size_t>(job.num_devices); }

}  // namespace

std::string DeviceKind(const DeviceInfo& device) {
  return device.index < 0 ? "cpu" : "gpu " + device.name;
}

void DeviceRoom::SortIntoKinds() {
  std::map<std::string, size_t> places;
  for (Device& device : devices_) {
    const auto [place, is_new] = places.try_emplace(DeviceKind(*device.info), kinds_.size());
    if (is_new) kinds_.emplace_back();
    kinds_[place->second].devices.push_back(&device);
  }
}

// When all jobs on the device will have ended; 0 = unknown.
int64_t DeviceRoom::FreeAt(const Device& device) const {
  const int64_t now = snapshot_.now_unix_ms;
  int64_t free_at = now;
  for (const JobSnapshot* holder : device.holders) {
    if (IsLeaving(*holder)) continue;
    int64_t end = holder->expected_end_unix_ms;
    // It starts in this very pass.
    const bool is_new = holder->state == JobState::kQueued;
    if (is_new) end = holder->time_limit_ms > 0 ? now + holder->time_limit_ms : 0;
    if (end == 0) return 0;
    free_at = std::max(free_at, end);
  }
  return free_at;
}

// Those that take jobs, and are not kept for another one.
std::vector<DeviceRoom::Device*> DeviceRoom::OpenOnes(const JobSnapshot& job,
                                                      const Kind& kind) const {
  std::vector<Device*> open;
  for (Device* device : kind.devices) {
    const bool is_free_of_claims = device->kept_for == 0 || device->kept_for == job.id;
    const bool is_open = device->info->closed_because.empty();
    if (is_open && is_free_of_claims && Suits(*device->info, job.requested_device)) {
      open.push_back(device);
    }
  }
  return open;
}

std::optional<std::vector<std::string>> DeviceRoom::TakeSeveral(const JobSnapshot& job) {
  for (Kind& kind : kinds_) {
    std::vector<Device*> free;
    for (Device* device : kind.devices) {
      const bool suits = Suits(*device->info, job.requested_device);
      if (suits && ObstacleTo(job, *device) == Obstacle::kNone) free.push_back(device);
    }
    if (free.size() < NumWanted(job)) continue;
    std::stable_partition(free.begin(), free.end(), [&](const Device* device) {
      return device->kept_for == 0 || device->kept_for == job.id;
    });
    free.resize(NumWanted(job));
    std::vector<std::string> ids;
    for (Device* device : free) {
      Hold(*device, job);
      ids.push_back(device->info->id);
    }
    return ids;
  }
  return std::nullopt;
}

// Those that are free, then those that will be free soonest; of whom nothing is known, last.
DeviceRoom::Choice DeviceRoom::SoonestFree(const JobSnapshot& job, Kind& kind) const {
  Choice choice{&kind, OpenOnes(job, kind), {}, 0, 0};
  const auto rank = [this](const Device* device) {
    const int64_t free_at = FreeAt(*device);
    return std::make_tuple(!device->holders.empty(), free_at == 0, free_at);
  };
  std::stable_sort(choice.devices.begin(), choice.devices.end(),
                   [&](const Device* a, const Device* b) { return rank(a) < rank(b); });
  choice.devices.resize(std::min(choice.devices.size(), NumWanted(job)));
  choice.num_free = static_cast<size_t>(
      std::count_if(choice.devices.begin(), choice.devices.end(),
                    [](const Device* device) { return device->holders.empty(); }));
  // The last one is free last; too few are there where another job's claim is on some.
  if (choice.devices.size() == NumWanted(job)) {
    choice.free_at_unix_ms = FreeAt(*choice.devices.back());
  }
  return choice;
}

// The jobs beside those told already that have to be told to leave the device; nothing: one of them
// may not be told.
std::optional<std::vector<JobId>> DeviceRoom::NewLeavers(const JobSnapshot& job,
                                                         const Device& device,
                                                         const std::set<JobId>& told) const {
  std::vector<JobId> leavers;
  for (const JobSnapshot* holder : device.holders) {
    if (IsLeaving(*holder) || told.count(holder->id) > 0) continue;
    if (!MayPreempt(job, *holder)) return std::nullopt;
    leavers.push_back(holder->id);
  }
  return leavers;
}

// Takes, one after the other, the device that costs the fewest jobs for each device that is still
// missing: a job on several devices leaves all of them.
std::optional<DeviceRoom::Choice> DeviceRoom::FewestLeavers(const JobSnapshot& job,
                                                            Kind& kind) const {
  Choice choice{&kind, {}, {}, 0, 0};
  std::set<JobId> told;
  std::vector<Device*> open = OpenOnes(job, kind);
  while (choice.devices.size() < NumWanted(job)) {
    const size_t num_missing = NumWanted(job) - choice.devices.size();
    auto best = open.end();
    std::vector<JobId> fewest;
    size_t most_freed = 1;
    for (auto device = open.begin(); device != open.end(); ++device) {
      const auto leavers = NewLeavers(job, **device, told);
      if (!leavers) continue;
      std::set<JobId> then_told = told;
      then_told.insert(leavers->begin(), leavers->end());
      const auto is_freed = [&](const Device* other) {
        const auto others = NewLeavers(job, *other, then_told);
        return others && others->empty();
      };
      const size_t num_freed = std::min(
          num_missing, static_cast<size_t>(std::count_if(open.begin(), open.end(), is_freed)));
      if (best != open.end() && leavers->size() * most_freed >= fewest.size() * num_freed) continue;
      best = device;
      fewest = *leavers;
      most_freed = num_freed;
    }
    if (best == open.end()) return std::nullopt;
    choice.devices.push_back(*best);
    told.insert(fewest.begin(), fewest.end());
    open.erase(best);
  }
  choice.leavers.assign(told.begin(), told.end());
  return choice;
}

std::vector<JobId> DeviceRoom::PreemptSeveral(const JobSnapshot& job) {
  std::optional<Choice> best;
  for (Kind& kind : kinds_) {
    if (kind.is_reserved) continue;
    auto choice = FewestLeavers(job, kind);
    if (!choice || (best && choice->leavers.size() >= best->leavers.size())) continue;
    best = std::move(choice);
  }
  if (!best) return {};
  Reserve(job, *best);
  told_.insert(best->leavers.begin(), best->leavers.end());
  return best->leavers;
}

void DeviceRoom::Reserve(const JobSnapshot& job, const Choice& choice) {
  Reservation reservation{job.id, {}, choice.free_at_unix_ms};
  for (Device* device : choice.devices) {
    device->kept_for = job.id;
    device->kept_until_unix_ms = choice.free_at_unix_ms;
    reservation.devices.push_back(device->info->id);
  }
  choice.kind->is_reserved = true;
  reservations_.push_back(std::move(reservation));
}

bool DeviceRoom::IsSooner(const Choice& one, const Choice& other) {
  const bool one_is_known = one.free_at_unix_ms > 0;
  if (one_is_known != (other.free_at_unix_ms > 0)) return one_is_known;
  if (one_is_known) return one.free_at_unix_ms < other.free_at_unix_ms;
  return one.num_free > other.num_free;
}

// Of several kinds the one that is free soonest; where that is not known, the one of which the
// fewest are missing. What is kept so far is not given up for a kind that is no nearer.
void DeviceRoom::ReserveSeveral(const JobSnapshot& job) {
  const bool has_one =
      std::any_of(reservations_.begin(), reservations_.end(),
                  [&job](const Reservation& reservation) { return reservation.job == job.id; });
  if (has_one) return;
  std::optional<Choice> best;
  for (Kind& kind : kinds_) {
    const auto num_open =
        std::count_if(kind.devices.begin(), kind.devices.end(), [&](const Device* device) {
          return device->info->closed_because.empty() && Suits(*device->info, job.requested_device);
        });
    if (kind.is_reserved || static_cast<size_t>(num_open) < NumWanted(job)) continue;
    Choice choice = SoonestFree(job, kind);
    if (!best || IsSooner(choice, *best)) best = std::move(choice);
  }
  if (best) Reserve(job, *best);
}

// What there is of the devices that suit a job.
struct DeviceRoom::Shortage {
  size_t most = 0;                     // of one kind
  size_t num_kept_free = 0;            // kept for the job, and empty
  std::set<JobId> holders;             // of those that are kept for it
  std::set<JobId> others;              // for whom some are kept
  const DeviceInfo* closed = nullptr;  // one that is

  void Add(const JobSnapshot& job, const Device& device) {
    if (!device.info->closed_because.empty()) closed = device.info;
    if (device.kept_for == job.id) {
      if (device.holders.empty()) ++num_kept_free;
      for (const JobSnapshot* holder : device.holders) holders.insert(holder->id);
    } else if (device.kept_for != 0) {
      others.insert(device.kept_for);
    }
  }
};

DeviceRoom::Shortage DeviceRoom::ShortageOf(const JobSnapshot& job) const {
  Shortage shortage;
  for (const Kind& kind : kinds_) {
    size_t num_suitable = 0;
    for (const Device* device : kind.devices) {
      if (!Suits(*device->info, job.requested_device)) continue;
      ++num_suitable;
      shortage.Add(job, *device);
    }
    shortage.most = std::max(shortage.most, num_suitable);
  }
  return shortage;
}

void DeviceRoom::Describe(const JobSnapshot& job, const Shortage& shortage, WaitingReason& reason) {
  const std::string waits = "waits for " + DevicesOf(job);
  if (shortage.most < NumWanted(job)) {
    reason.rule = WaitingRule::kNoSuchDevice;
    reason.is_blocked = true;
    reason.reason = "blocked: needs " + DevicesOf(job) + ", of which this server has " +
                    std::to_string(shortage.most);
  } else if (shortage.num_kept_free > 0 || !shortage.holders.empty()) {
    reason.rule = WaitingRule::kDevice;
    reason.reason = waits + ": " + std::to_string(shortage.num_kept_free) +
                    " kept for it so far, the others are in use";
    reason.holders.assign(shortage.holders.begin(), shortage.holders.end());
  } else if (!shortage.others.empty()) {
    reason.rule = WaitingRule::kKept;
    reason.reason = waits + ": those that fall free are kept for " +
                    Sentence::Naming(*shortage.others.begin()) + ", a job before it";
    reason.holders.assign(shortage.others.begin(), shortage.others.end());
  } else if (shortage.closed != nullptr) {
    reason.rule = WaitingRule::kDeviceClosed;
    reason.reason =
        waits + ": " + shortage.closed->id + " takes no jobs: " + shortage.closed->closed_because;
  } else {
    reason.rule = WaitingRule::kDevice;
    reason.reason = waits + ", which are in use";
  }
}

WaitingReason DeviceRoom::ExplainSeveral(const JobSnapshot& job) const {
  WaitingReason reason;
  reason.job = job.id;
  Describe(job, ShortageOf(job), reason);
  return reason;
}

}  // namespace distill::server
