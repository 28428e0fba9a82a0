#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "server/job/device_room.h"
#include "server/job/scheduler.h"
#include "server/job/usage_history.h"

namespace distill::server {
namespace {

constexpr int kPriorities = 4;
constexpr int64_t kStep = 100;
constexpr int64_t kMaxLength = 300;
constexpr int64_t kGrace = 5;

// Plays a random workload of several users in simulated time, and checks at each pass of the
// scheduler what must always hold.
class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), usage_(std::chrono::milliseconds(1000)) {
    is_plain_ = random_.Chance(0.3);
    num_users_ = is_plain_ ? 1 : Below(3) + 1;
    shares_ = random_.Chance(0.5);
    MakeDevices();
    MakePolicy();
    const int num_jobs = 4 + Below(9);
    for (JobId id = 1; id <= num_jobs; ++id) plans_[id] = MakePlan(id);
  }

  void Run() {
    constexpr int kMaxPasses = 400;
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      EndDue();
      const SchedulerSnapshot snapshot = Snapshot();
      const ScheduleDecision decision = Schedule(snapshot);
      CheckAnswers(snapshot, decision);
      CheckPreemptions(snapshot, decision);
      CheckTurns(snapshot, decision);
      CheckReservations(decision);
      Apply(decision);
      CheckRoomAndLimits();
      CheckThatNothingIsIdle(decision);
      if (::testing::Test::HasFailure() || !Advance()) break;
    }
    CheckThatAllCameToAnEnd();
  }

 private:
  struct Plan {
    JobSnapshot job;
    int64_t arrives_at = 0;
    int64_t left = 0;  // of its length
    int64_t ends_at = 0;
    bool fails = false;
    bool tells_end = false;   // its progress is known
    int64_t promised_at = 0;  // by when a plain workload's job was to start; 0 = unknown
    std::map<std::pair<std::string, std::string>, int> turns_before;  // of user on device
  };

  int Below(int bound) { return static_cast<int>(random_.Below(static_cast<uint64_t>(bound))); }

  void MakeDevices() {
    const int num_gpus = 1 + Below(4);
    for (int index = 0; index < num_gpus; ++index) {
      DeviceInfo& device = devices_.emplace_back();
      device.id = std::string("GPU-") + static_cast<char>('a' + index);
      device.index = index;
      device.memory_total_bytes = 24;
      device.foreign_memory_bytes = random_.Chance(0.2) ? Below(24) : 0;
    }
    if (!random_.Chance(0.3)) return;
    const int num_cpus = 1 + Below(3);
    for (int i = 0; i < num_cpus; ++i) {
      devices_.emplace_back().id = i == 0 ? "cpu" : "cpu:" + std::to_string(i);
    }
  }

  void MakePolicy() {
    policy_.gpu_overhead_bytes = 1;
    policy_.time_limit_slack_ms = 0;
    policy_.ageing_step_ms = is_plain_ ? 0 : kStep;
    if (is_plain_) return;
    if (random_.Chance(0.3)) policy_.max_running_jobs_per_user = 1 + Below(2);
    if (random_.Chance(0.3)) policy_.max_devices_per_user = 1 + Below(2);
    if (random_.Chance(0.3)) policy_.user_groups = {{"lab", {"user0", "user1"}, 1 + Below(3), 0}};
    policy_.has_preemption = random_.Chance(0.3);
    policy_.preemption_margin = 1 + Below(2);
    policy_.preemption_min_run_ms = 20;
  }

  Plan MakePlan(JobId id) {
    Plan plan;
    JobSnapshot& job = plan.job;
    job.id = id;
    job.owner = "user" + std::to_string(Below(num_users_));
    job.priority = Below(kPriorities);
    if (random_.Chance(0.3)) {
      job.requested_device = devices_[random_.Below(devices_.size())].id;
    }
    if (random_.Chance(0.3)) {
      job.num_devices = 2 + Below(2);
      job.requested_device = random_.Chance(0.2) ? "cpu" : "";
    } else if (shares_ && random_.Chance(0.7)) {
      job.gpu_memory_bytes = 1 + Below(23);
    }
    plan.left = 1 + Below(kMaxLength);
    plan.tells_end = random_.Chance(0.5);
    if (random_.Chance(0.5)) job.time_limit_ms = plan.left + Below(50);
    if (is_plain_) {
      job.priority = 0;
      return plan;
    }
    if (random_.Chance(0.3)) {
      job.group = "grid";
      job.max_parallel = 1 + Below(2);
    }
    while (id > 1 && random_.Chance(0.15)) {
      const auto needed = static_cast<JobId>(1 + Below(static_cast<int>(id) - 1));
      if (random_.Chance(0.5)) {
        job.depends_on.push_back(needed);
      } else {
        job.after.push_back({needed, static_cast<AfterCondition>(1 + Below(3))});
      }
    }
    job.can_be_preempted = random_.Chance(0.8);
    plan.arrives_at = Below(400);
    plan.fails = random_.Chance(0.1);
    job.waiting_since_unix_ms = plan.arrives_at;
    return plan;
  }

  SchedulerSnapshot Snapshot() {
    SchedulerSnapshot snapshot;
    snapshot.devices = devices_;
    snapshot.policy = policy_;
    snapshot.now_unix_ms = now_;
    for (auto& [id, plan] : plans_) {
      snapshot.dependency_states[id] = plan.job.state;
      if (IsTerminal(plan.job.state) || plan.arrives_at > now_) continue;
      plan.job.waiting_since_unix_ms = std::max(plan.arrives_at, NeedsEndedAt(plan.job));
      plan.job.expected_end_unix_ms = ExpectedEnd(plan);
      snapshot.jobs.push_back(plan.job);
      UserStanding& user = snapshot.users[plan.job.owner];
      user.used_seconds = usage_.SecondsOf(plan.job.owner, now_);
      user.last_uses = usage_.LastUses(plan.job.owner);
    }
    for (const JobSnapshot& job : snapshot.jobs) {
      for (const std::string& device : job.held_devices) {
        snapshot.users[job.owner].last_uses[device] = now_;
      }
    }
    return snapshot;
  }

  // Never before its end.
  static int64_t ExpectedEnd(const Plan& plan) {
    if (plan.job.held_devices.empty()) return 0;
    if (plan.tells_end) return plan.ends_at;
    if (plan.job.time_limit_ms == 0) return 0;
    return plan.job.started_at_unix_ms + plan.job.time_limit_ms;
  }

  int64_t NeedsEndedAt(const JobSnapshot& job) const {
    int64_t at = 0;
    const auto look = [&](JobId id) {
      const Plan& needed = plans_.at(id);
      if (IsTerminal(needed.job.state)) at = std::max(at, needed.ends_at);
    };
    for (const JobId id : job.depends_on) look(id);
    for (const AfterJob& after : job.after) look(after.job);
    return at;
  }

  void Apply(const ScheduleDecision& decision) {
    for (const StartDecision& start : decision.starts) {
      Plan& plan = plans_[start.job];
      plan.job.state = JobState::kRunning;
      plan.job.held_devices = start.devices;
      plan.job.started_at_unix_ms = now_;
      plan.ends_at = now_ + plan.left;
    }
    for (const PreemptionDecision& preemption : decision.preemptions) {
      Plan& plan = plans_[preemption.job];
      plan.job.is_leaving = true;
      plan.left = std::max<int64_t>(1, plan.ends_at - now_);
      plan.ends_at = std::min(plan.ends_at, now_ + kGrace);
    }
  }

  void EndDue() {
    for (auto& [id, plan] : plans_) {
      JobSnapshot& job = plan.job;
      if (job.state != JobState::kRunning || plan.ends_at > now_) continue;
      for (const std::string& device : job.held_devices) {
        usage_.Add({job.owner, device, job.started_at_unix_ms, now_}, now_);
      }
      job.state = plan.fails ? JobState::kFailed : JobState::kSucceeded;
      if (job.is_leaving) job.state = JobState::kQueued;
      job.is_leaving = false;
      job.held_devices.clear();
    }
  }

  // Goes to the next arrival or end. Returns false when there is none.
  bool Advance() {
    int64_t next = -1;
    const auto look = [&](int64_t at) {
      if (at > now_ && (next < 0 || at < next)) next = at;
    };
    for (const auto& [id, plan] : plans_) {
      if (plan.job.state == JobState::kRunning) look(plan.ends_at);
      if (plan.job.state == JobState::kQueued) look(plan.arrives_at);
    }
    if (next < 0) return false;
    now_ = next;
    return true;
  }

  // A reason names jobs by reference only, and only such as the job waits for.
  static void CheckNames(const WaitingReason& waiting) {
    const std::string text = waiting.reason.Print([&](JobId job) {
      EXPECT_EQ(std::count(waiting.holders.begin(), waiting.holders.end(), job), 1)
          << waiting.reason.Plain();
      return "another";
    });
    for (size_t at = text.find("job "); at != std::string::npos; at = text.find("job ", at + 1)) {
      ASSERT_EQ(std::isdigit(static_cast<unsigned char>(text[at + 4])), 0) << text;
    }
  }

  // Each queued job starts, or has one reason and a place of its own.
  void CheckAnswers(const SchedulerSnapshot& snapshot, const ScheduleDecision& decision) {
    std::set<JobId> decided;
    std::set<int> places;
    for (const StartDecision& start : decision.starts) {
      const JobSnapshot& job = plans_[start.job].job;
      ASSERT_TRUE(decided.insert(start.job).second);
      ASSERT_EQ(job.state, JobState::kQueued);
      for (const JobId needed : job.depends_on) {
        ASSERT_EQ(plans_[needed].job.state, JobState::kSucceeded);
      }
      for (const AfterJob& after : job.after) {
        ASSERT_TRUE(IsTerminal(plans_[after.job].job.state));
      }
    }
    for (const WaitingReason& waiting : decision.waiting) {
      ASSERT_TRUE(decided.insert(waiting.job).second);
      ASSERT_TRUE(places.insert(waiting.place).second);
      ASSERT_FALSE(waiting.reason.empty());
      CheckNames(waiting);
    }
    const auto num_queued =
        std::count_if(snapshot.jobs.begin(), snapshot.jobs.end(),
                      [](const JobSnapshot& job) { return job.state == JobState::kQueued; });
    ASSERT_EQ(decided.size(), static_cast<size_t>(num_queued));
  }

  static bool Contains(const std::vector<std::string>& list, const std::string& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  // In a plain workload the order is that of the ids. A job that is not first for a reserved device
  // gets it only if it ends before the reservation's start; and the first job of all, once promised
  // a start, is not late.
  void CheckReservations(const ScheduleDecision& decision) {
    std::set<JobId> with_devices;
    for (const Reservation& reservation : decision.reservations) {
      ASSERT_TRUE(with_devices.insert(reservation.job).second);
      ASSERT_GT(plans_[reservation.job].job.num_devices, 1);
    }
    if (!is_plain_) return;
    for (const StartDecision& start : decision.starts) {
      Plan& plan = plans_[start.job];
      ASSERT_TRUE(plan.promised_at == 0 || now_ <= plan.promised_at)
          << "job " << start.job << " is late";
      for (const Reservation& reservation : decision.reservations) {
        const bool is_lent =
            start.job > reservation.job &&
            std::any_of(start.devices.begin(), start.devices.end(), [&](const std::string& device) {
              return Contains(reservation.devices, device);
            });
        ASSERT_TRUE(!is_lent || (plan.job.time_limit_ms > 0 &&
                                 now_ + plan.job.time_limit_ms <= reservation.starts_at_unix_ms))
            << "job " << start.job << " may delay job " << reservation.job;
      }
    }
    JobId first = 0;
    for (const WaitingReason& waiting : decision.waiting) {
      if (!waiting.is_blocked && (first == 0 || waiting.job < first)) first = waiting.job;
    }
    for (const Reservation& reservation : decision.reservations) {
      int64_t& promised_at = plans_[reservation.job].promised_at;
      if (reservation.job != first || reservation.starts_at_unix_ms == 0) continue;
      promised_at = promised_at == 0 ? reservation.starts_at_unix_ms
                                     : std::min(promised_at, reservation.starts_at_unix_ms);
    }
  }

  // No job waits for a device that is free and kept for nobody.
  void CheckThatNothingIsIdle(const ScheduleDecision& decision) {
    std::set<std::string> taken;
    for (const auto& [id, plan] : plans_) {
      taken.insert(plan.job.held_devices.begin(), plan.job.held_devices.end());
    }
    for (const Reservation& reservation : decision.reservations) {
      taken.insert(reservation.devices.begin(), reservation.devices.end());
    }
    for (const WaitingReason& waiting : decision.waiting) {
      const bool waits_for_device = waiting.rule == WaitingRule::kDevice ||
                                    waiting.rule == WaitingRule::kKept ||
                                    waiting.rule == WaitingRule::kMemory;
      if (!waits_for_device) continue;
      const JobSnapshot& job = plans_[waiting.job].job;
      std::map<std::string, int> idle;
      for (const DeviceInfo& device : devices_) {
        const int64_t room = device.memory_total_bytes - device.foreign_memory_bytes;
        const bool shares = job.gpu_memory_bytes > 0 && device.index >= 0;
        const bool fits = !shares || job.gpu_memory_bytes + policy_.gpu_overhead_bytes <= room;
        if (!Suits(device, job.requested_device) || !fits || taken.count(device.id) > 0) continue;
        ASSERT_LT(++idle[DeviceKind(device)], job.num_devices) << waiting.reason.Plain();
      }
    }
  }

  // Whether, of one kind, as many devices as `job` needs are free or being left.
  bool GetsAllItsDevices(const JobSnapshot& job, const std::set<JobId>& told) const {
    std::map<std::string, int> num_of_kind;
    for (const DeviceInfo& device : devices_) {
      const bool is_left = std::all_of(plans_.begin(), plans_.end(), [&](const auto& entry) {
        const JobSnapshot& holder = entry.second.job;
        return !Contains(holder.held_devices, device.id) || holder.is_leaving ||
               told.count(holder.id) > 0;
      });
      if (is_left && Suits(device, job.requested_device)) ++num_of_kind[DeviceKind(device)];
    }
    return std::any_of(num_of_kind.begin(), num_of_kind.end(),
                       [&](const auto& entry) { return entry.second >= job.num_devices; });
  }

  void CheckPreemptions(const SchedulerSnapshot& snapshot, const ScheduleDecision& decision) {
    std::set<JobId> told;
    for (const PreemptionDecision& preemption : decision.preemptions) {
      const JobSnapshot& victim = plans_[preemption.job].job;
      ASSERT_TRUE(snapshot.policy.has_preemption);
      ASSERT_TRUE(told.insert(victim.id).second);
      ASSERT_TRUE(victim.can_be_preempted && !victim.is_leaving);
      ASSERT_GE(plans_[preemption.for_job].job.priority,
                victim.priority + policy_.preemption_margin);
      ASSERT_GE(now_ - victim.started_at_unix_ms, policy_.preemption_min_run_ms);
    }
    for (const PreemptionDecision& preemption : decision.preemptions) {
      const JobSnapshot& gainer = plans_[preemption.for_job].job;
      ASSERT_TRUE(gainer.num_devices == 1 || GetsAllItsDevices(gainer, told));
    }
  }

  // What a device holds fits, and nobody has more than they may.
  void CheckRoomAndLimits() {
    std::map<std::string, std::set<JobId>> jobs_of;
    std::map<std::string, std::set<std::string>> devices_of;
    std::map<std::string, std::set<JobId>> grids;
    std::set<JobId> of_lab;
    for (const DeviceInfo& device : devices_) {
      int64_t bytes = 0;
      int num_holders = 0;
      bool is_whole = false;
      for (const auto& [id, plan] : plans_) {
        const JobSnapshot& job = plan.job;
        if (!Contains(job.held_devices, device.id)) continue;
        ASSERT_TRUE(Suits(device, job.requested_device));
        ++num_holders;
        const bool shares = job.gpu_memory_bytes > 0 && device.index >= 0;
        if (shares) bytes += job.gpu_memory_bytes + policy_.gpu_overhead_bytes;
        if (!shares) is_whole = true;
        jobs_of[job.owner].insert(id);
        devices_of[job.owner].insert(device.id);
        if (job.owner == "user0" || job.owner == "user1") of_lab.insert(id);
        if (job.group.empty()) continue;
        grids[job.owner].insert(id);
      }
      ASSERT_TRUE(!is_whole || num_holders == 1) << "two jobs on a device that one has whole";
      ASSERT_TRUE(bytes == 0 || bytes + device.foreign_memory_bytes <= device.memory_total_bytes);
    }
    for (const auto& [id, plan] : plans_) {
      const std::vector<std::string>& held = plan.job.held_devices;
      if (held.empty()) continue;
      ASSERT_EQ(std::set<std::string>(held.begin(), held.end()).size(),
                static_cast<size_t>(plan.job.num_devices));
      ASSERT_TRUE(std::all_of(held.begin(), held.end(), [&](const std::string& device) {
        return IsCpu(device) == IsCpu(held.front());
      }));
    }
    for (const auto& [owner, jobs] : jobs_of) {
      const auto fits = [](int limit, size_t number) {
        return limit == 0 || number <= static_cast<size_t>(limit);
      };
      ASSERT_TRUE(fits(policy_.max_running_jobs_per_user, jobs.size()));
      ASSERT_TRUE(fits(policy_.max_devices_per_user, devices_of[owner].size()));
      ASSERT_LE(grids[owner].size(), 2U);
    }
    for (const UserGroup& group : policy_.user_groups) {
      ASSERT_LE(of_lab.size(), static_cast<size_t>(group.max_running_jobs));
    }
  }

  int64_t AgeOf(const JobSnapshot& job, const SchedulerSnapshot& snapshot) const {
    int64_t since = job.waiting_since_unix_ms;
    for (const auto& [device, at] : snapshot.users.at(job.owner).last_uses) {
      for (const DeviceInfo& info : devices_) {
        if (info.id == device && Suits(info, job.requested_device)) since = std::max(since, at);
      }
    }
    return now_ - since;
  }

  // The ageing bound: once a job is older than any by the whole range of priorities, each other
  // user gets one more turn at most on each device that it waits for. (Where devices are shared,
  // others may join one that was not kept for it: CheckThatAllCameToAnEnd sees to those.)
  void CheckTurns(const SchedulerSnapshot& snapshot, const ScheduleDecision& decision) {
    if (shares_) return;
    for (const WaitingReason& waiting : decision.waiting) {
      Plan& plan = plans_[waiting.job];
      const bool waits_for_device =
          waiting.rule == WaitingRule::kDevice && plan.job.num_devices == 1;
      const int64_t overdue = (kPriorities - plan.job.priority) * kStep;
      if (!waits_for_device || AgeOf(plan.job, snapshot) < overdue) {
        plan.turns_before.clear();
        continue;
      }
      for (const StartDecision& start : decision.starts) {
        const JobSnapshot& other = plans_[start.job].job;
        for (const DeviceInfo& device : devices_) {
          if (!Contains(start.devices, device.id)) continue;
          if (!Suits(device, plan.job.requested_device)) continue;
          if (other.owner == plan.job.owner) {
            plan.turns_before.clear();
            continue;
          }
          ASSERT_LE(++plan.turns_before[std::make_pair(other.owner, device.id)], 1)
              << "job " << plan.job.id << " starves";
        }
      }
    }
  }

  // When nothing runs any more, only jobs may be left that can never start as things are.
  void CheckThatAllCameToAnEnd() {
    const SchedulerSnapshot snapshot = Snapshot();
    for (const WaitingReason& waiting : Schedule(snapshot).waiting) {
      if (waiting.is_blocked) continue;
      if (waiting.rule == WaitingRule::kDependency) continue;  // on one of those
      const JobSnapshot& job = plans_[waiting.job].job;
      const bool lacks_room =
          std::all_of(devices_.begin(), devices_.end(), [&](const auto& device) {
            return !Suits(device, job.requested_device) ||
                   job.gpu_memory_bytes + 1 >
                       device.memory_total_bytes - device.foreign_memory_bytes;
          });
      ASSERT_TRUE(waiting.rule == WaitingRule::kMemory && lacks_room) << waiting.reason.Plain();
    }
  }

  Random random_;
  UsageHistory usage_;
  bool is_plain_ = false;  // one user, no priorities, no limits, all there from the start
  int num_users_ = 1;
  bool shares_ = false;
  std::vector<DeviceInfo> devices_;
  SchedulerPolicy policy_;
  std::map<JobId, Plan> plans_;
  int64_t now_ = 0;
};

TEST(SchedulerPropertyTest, TenThousandRandomWorkloadsKeepTheRules) {
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace distill::server
