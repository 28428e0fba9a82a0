#include "server/job/scheduler.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "server/job/device_room.h"
#include "server/job/user_limits.h"

namespace distill::server {
namespace {

bool IsMet(AfterCondition condition, JobState state) {
  switch (condition) {
    case AfterCondition::kOk:
      return state == JobState::kSucceeded;
    case AfterCondition::kAny:
      return IsTerminal(state);
    case AfterCondition::kFail:
      return state == JobState::kFailed || state == JobState::kCancelled;
  }
  return false;
}

std::string EndText(JobState state) {
  return (state == JobState::kCancelled ? "was " : "") + std::string(StateName(state));
}

// Returns why `job` cannot start yet for the sake of one that it needs, if so.
std::optional<WaitingReason> ReasonOf(JobId job, const AfterJob& needed,
                                      const std::map<JobId, JobState>& states) {
  WaitingReason reason;
  reason.job = job;
  reason.holders = {needed.job};
  const auto found = states.find(needed.job);
  if (found != states.end() && IsMet(needed.condition, found->second)) return std::nullopt;
  if (found != states.end() && !IsTerminal(found->second)) {
    reason.rule = WaitingRule::kDependency;
    reason.reason = "waits for " + Sentence::Naming(needed.job) + ", which is " +
                    std::string(StateName(found->second));
    return reason;
  }
  reason.rule = WaitingRule::kDependencyLost;
  reason.is_blocked = true;
  if (found == states.end()) {
    reason.reason = "blocked: needs " + Sentence::Naming(needed.job) + ", which was deleted";
  } else if (needed.condition == AfterCondition::kFail) {
    reason.reason = "blocked: runs only if " + Sentence::Naming(needed.job) +
                    " fails, which SUCCEEDED; cancel this one, or requeue the other";
  } else {
    reason.reason = "blocked: needs " + Sentence::Naming(needed.job) + ", which " +
                    EndText(found->second) + "; requeue " + Sentence::Naming(needed.job) +
                    " or cancel this one";
  }
  return reason;
}

// Returns why the jobs that `job` needs keep it from starting, if they do: what somebody has to
// mend first.
std::optional<WaitingReason> DependencyReason(const JobSnapshot& job,
                                              const std::map<JobId, JobState>& states) {
  std::optional<WaitingReason> waits;
  const auto look = [&](const AfterJob& needed) {
    std::optional<WaitingReason> reason = ReasonOf(job.id, needed, states);
    if (reason && (!waits || (reason->is_blocked && !waits->is_blocked))) waits = std::move(reason);
  };
  for (const JobId needed : job.depends_on) look({needed, AfterCondition::kOk});
  for (const AfterJob& needed : job.after) look(needed);
  return waits;
}

// A queued job with its rank.
struct Candidate {
  const JobSnapshot* job = nullptr;
  int64_t points = 0;
  std::optional<WaitingReason> needs;  // jobs that have not ended as it needs
};

// The queued jobs of one user, in their order.
struct UserQueue {
  std::vector<Candidate> jobs;
  size_t next = 0;
  double used_seconds = 0;
};

// Says when users last had a device that suits a job, each once: thousands of jobs ask.
class LastUses {
 public:
  explicit LastUses(const SchedulerSnapshot& snapshot) : snapshot_(snapshot) {}

  /// Returns 0 where the job's owner never had one.
  int64_t Of(const JobSnapshot& job) {
    const auto [found, is_new] = known_.try_emplace({job.owner, job.requested_device}, 0);
    if (is_new) found->second = Find(job);
    return found->second;
  }

 private:
  int64_t Find(const JobSnapshot& job) const {
    int64_t last = 0;
    const auto user = snapshot_.users.find(job.owner);
    if (user == snapshot_.users.end()) return last;
    for (const DeviceInfo& device : snapshot_.devices) {
      if (!Suits(device, job.requested_device)) continue;
      const auto use = user->second.last_uses.find(device.id);
      if (use != user->second.last_uses.end()) last = std::max(last, use->second);
    }
    return last;
  }

  const SchedulerSnapshot& snapshot_;
  std::map<std::pair<std::string_view, std::string_view>, int64_t> known_;  // owner and request
};

Candidate Rank(const JobSnapshot& job, const SchedulerSnapshot& snapshot, LastUses& last_uses) {
  Candidate candidate{&job, job.priority, DependencyReason(job, snapshot.dependency_states)};
  const int64_t step = snapshot.policy.ageing_step_ms;
  if (!candidate.needs && job.has_room_made) candidate.points = std::numeric_limits<int>::max();
  if (candidate.needs || job.has_room_made || step <= 0) return candidate;
  // It grows old since it waits, or since its owner last had a device that suits it.
  const int64_t since = std::max(job.waiting_since_unix_ms, last_uses.Of(job));
  candidate.points += std::max<int64_t>(snapshot.now_unix_ms - since, 0) / step;
  return candidate;
}

// One pass over the queue.
class Pass {
 public:
  explicit Pass(const SchedulerSnapshot& snapshot)
      : snapshot_(snapshot), room_(snapshot), limits_(snapshot) {}

  ScheduleDecision Run();

 private:
  // Points, then less use, then first come: the greatest is next.
  using Key = std::tuple<int64_t, double, JobId, UserQueue*>;

  void Enqueue();
  static std::optional<Key> KeyOf(UserQueue& queue);
  /// Starts the job, or notes why it waits. Returns how many devices it got: 0 = it waits.
  int Decide(Candidate& candidate);
  int Place(const JobSnapshot& job);
  void Wait(WaitingReason reason);

  const SchedulerSnapshot& snapshot_;
  DeviceRoom room_;
  UserLimits limits_;
  std::unordered_map<std::string, UserQueue> queues_;
  int place_ = 0;
  ScheduleDecision decision_;
};

void Pass::Enqueue() {
  LastUses last_uses(snapshot_);
  for (const JobSnapshot& job : snapshot_.jobs) {
    if (job.state != JobState::kQueued) continue;
    queues_[job.owner].jobs.push_back(Rank(job, snapshot_, last_uses));
  }
  for (auto& [owner, queue] : queues_) {
    std::sort(queue.jobs.begin(), queue.jobs.end(), [](const Candidate& a, const Candidate& b) {
      return a.points != b.points ? a.points > b.points : a.job->id < b.job->id;
    });
    const auto user = snapshot_.users.find(owner);
    if (user != snapshot_.users.end()) queue.used_seconds = user->second.used_seconds;
  }
}

std::optional<Pass::Key> Pass::KeyOf(UserQueue& queue) {
  if (queue.next == queue.jobs.size()) return std::nullopt;
  const Candidate& head = queue.jobs[queue.next];
  return Key{head.points, -queue.used_seconds, -head.job->id, &queue};
}

void Pass::Wait(WaitingReason reason) {
  reason.place = place_;
  decision_.waiting.push_back(std::move(reason));
}

int Pass::Place(const JobSnapshot& job) {
  const bool may_take_more = limits_.MayTakeMore(job);
  const auto reach = may_take_more ? DeviceRoom::Reach::kAll : DeviceRoom::Reach::kOwn;
  if (auto devices = room_.Take(job, reach)) {
    limits_.Note(job, *devices);
    decision_.starts.push_back({job.id, std::move(*devices)});
    return job.num_devices;
  }
  if (!may_take_more) {
    Wait(limits_.ExplainDevices(job));
    return 0;
  }
  if (snapshot_.policy.has_preemption) {
    for (const JobId victim : room_.Preempt(job)) decision_.preemptions.push_back({victim, job.id});
  }
  Wait(room_.KeepAndExplain(job));
  return 0;
}

int Pass::Decide(Candidate& candidate) {
  const JobSnapshot& job = *candidate.job;
  ++place_;
  if (candidate.needs) {
    Wait(std::move(*candidate.needs));
  } else if (job.is_delayed) {
    WaitingReason reason;
    reason.job = job.id;
    reason.rule = WaitingRule::kDelay;
    reason.reason = "waits a moment after its interruption, then starts again";
    Wait(std::move(reason));
  } else if (auto limit = limits_.ExplainJobs(job)) {
    Wait(std::move(*limit));
  } else {
    return Place(job);
  }
  return 0;
}

ScheduleDecision Pass::Run() {
  // A device that a user just got counts as if it had been held for an hour: nobody gets all.
  constexpr double kSecondsInAdvance = 3600;
  Enqueue();
  std::priority_queue<Key> heads;
  for (auto& [owner, queue] : queues_) {
    if (const auto key = KeyOf(queue)) heads.push(*key);
  }
  while (!heads.empty()) {
    UserQueue& queue = *std::get<UserQueue*>(heads.top());
    heads.pop();
    queue.used_seconds += kSecondsInAdvance * Decide(queue.jobs[queue.next++]);
    if (const auto key = KeyOf(queue)) heads.push(*key);
  }
  decision_.reservations = room_.reservations();
  return std::move(decision_);
}

}  // namespace

ScheduleDecision Schedule(const SchedulerSnapshot& snapshot) { return Pass(snapshot).Run(); }

}  // namespace distill::server
