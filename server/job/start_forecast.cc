#include "server/job/start_forecast.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "server/job/device_room.h"

namespace distill::server {
namespace {

using Time = std::optional<int64_t>;  // nothing: unknown

// Plays the queue forward.
class Forecast {
 public:
  Forecast(const SchedulerSnapshot& snapshot, const ScheduleDecision& decision,
           const std::map<JobId, int64_t>& ends)
      : snapshot_(snapshot), decision_(decision), ends_(ends) {
    for (const JobSnapshot& job : snapshot.jobs) jobs_[job.id] = &job;
    for (const DeviceInfo& device : snapshot.devices) {
      if (device.closed_because.empty()) free_at_[device.id] = snapshot.now_unix_ms;
    }
    for (const JobSnapshot& job : snapshot.jobs) {
      for (const std::string& device : job.held_devices) Hold(device, EndOf(job.id));
    }
    for (const StartDecision& start : decision.starts) {
      for (const std::string& device : start.devices) Hold(device, std::nullopt);
    }
  }

  std::map<JobId, int64_t> Run() {
    std::map<JobId, int64_t> starts;
    for (const WaitingReason& waiting : decision_.waiting) {
      if (waiting.is_blocked) continue;
      if (const Time start = StartOf(*jobs_.at(waiting.job), waiting)) {
        starts[waiting.job] = *start;
      }
    }
    return starts;
  }

 private:
  Time EndOf(JobId job) const {
    const auto found = ends_.find(job);
    if (found == ends_.end()) return std::nullopt;
    return std::max(found->second, snapshot_.now_unix_ms);
  }

  // Of several jobs on a device, the last to leave counts.
  void Hold(const std::string& device, Time until) {
    const auto found = free_at_.find(device);
    if (found == free_at_.end()) return;
    found->second = found->second && until ? Time(std::max(*found->second, *until)) : std::nullopt;
  }

  // When all jobs that it needs will have ended.
  Time NeedsMetAt(const JobSnapshot& job) const {
    std::vector<JobId> needed = job.depends_on;
    for (const AfterJob& after : job.after) needed.push_back(after.job);
    int64_t at = snapshot_.now_unix_ms;
    for (const JobId id : needed) {
      const auto state = snapshot_.dependency_states.find(id);
      if (state != snapshot_.dependency_states.end() && IsTerminal(state->second)) continue;
      const Time end = EndOf(id);
      if (!end) return std::nullopt;
      at = std::max(at, *end);
    }
    return at;
  }

  // When the first of those who use a limit up will have ended.
  Time TurnAt(const WaitingReason& waiting) const {
    Time first;
    for (const JobId holder : waiting.holders) {
      const Time end = EndOf(holder);
      if (end && (!first || *end < *first)) first = end;
    }
    return first;
  }

  Time ReadyAt(const JobSnapshot& job, const WaitingReason& waiting) const {
    switch (waiting.rule) {
      case WaitingRule::kDependency:
        return NeedsMetAt(job);
      case WaitingRule::kMaxParallel:
      case WaitingRule::kUserLimit:
      case WaitingRule::kUserGroupLimit:
        return TurnAt(waiting);
      default:
        return snapshot_.now_unix_ms;
    }
  }

  // The devices, of one kind, that are free soonest: as many as the job needs, or none.
  std::vector<Time*> SoonestFor(const JobSnapshot& job) {
    std::map<std::string, std::vector<Time*>> kinds;
    for (const DeviceInfo& device : snapshot_.devices) {
      if (!Suits(device, job.requested_device)) continue;
      const auto found = free_at_.find(device.id);
      if (found == free_at_.end() || !found->second) continue;
      // One device alone may be of any kind.
      const std::string kind = job.num_devices == 1 ? "" : DeviceKind(device);
      kinds[kind].push_back(&found->second);
    }
    std::vector<Time*> best;
    for (auto& [kind, times] : kinds) {
      const auto num_devices = static_cast<size_t>(job.num_devices);
      if (times.size() < num_devices) continue;
      std::stable_sort(times.begin(), times.end(),
                       [](const Time* a, const Time* b) { return **a < **b; });
      times.resize(num_devices);
      if (best.empty() || **times.back() < **best.back()) best = times;
    }
    return best;
  }

  // Once nobody knows when any device is free, thousands of jobs need not look for one.
  bool IsAnyKnown() const {
    return std::any_of(free_at_.begin(), free_at_.end(),
                       [](const auto& device) { return device.second.has_value(); });
  }

  Time StartOf(const JobSnapshot& job, const WaitingReason& waiting) {
    if (!IsAnyKnown()) return std::nullopt;
    const Time ready = ReadyAt(job, waiting);
    const std::vector<Time*> soonest = SoonestFor(job);
    if (!ready || soonest.empty()) {
      // What is kept for it is nobody else's.
      for (const Reservation& reservation : decision_.reservations) {
        if (reservation.job != job.id) continue;
        for (const std::string& device : reservation.devices) Hold(device, std::nullopt);
      }
      return std::nullopt;
    }
    const int64_t start = std::max(*ready, **soonest.back());
    for (Time* time : soonest) *time = std::nullopt;  // nobody knows how long this one takes
    return start;
  }

  const SchedulerSnapshot& snapshot_;
  const ScheduleDecision& decision_;
  const std::map<JobId, int64_t>& ends_;
  std::map<JobId, const JobSnapshot*> jobs_;
  std::map<std::string, Time> free_at_;
};

}  // namespace

std::map<JobId, int64_t> ForecastStarts(const SchedulerSnapshot& snapshot,
                                        const ScheduleDecision& decision,
                                        const std::map<JobId, int64_t>& ends) {
  return Forecast(snapshot, decision, ends).Run();
}

}  // namespace distill::server
