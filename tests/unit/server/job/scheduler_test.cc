#include "server/job/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/random.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DeviceInfo Gpu(int index) {
  DeviceInfo device;
  device.id = "GPU-" + std::string(1, static_cast<char>('a' + index));
  device.index = index;
  return device;
}

DeviceInfo Cpu() {
  DeviceInfo device;
  device.id = "cpu";
  return device;
}

JobSnapshot Queued(JobId id, int priority = 0, std::string device = "") {
  JobSnapshot job;
  job.id = id;
  job.priority = priority;
  job.requested_device = std::move(device);
  return job;
}

JobSnapshot Running(JobId id, std::string device) {
  JobSnapshot job = Queued(id);
  job.state = JobState::kRunning;
  job.held_device = std::move(device);
  return job;
}

JobSnapshot Needing(JobId id, std::vector<JobId> depends_on) {
  JobSnapshot job = Queued(id);
  job.depends_on = std::move(depends_on);
  return job;
}

TEST(SchedulerTest, HigherPriorityFirstThenFirstCome) {
  const auto decision = Schedule({{Queued(1), Queued(2), Queued(3, 5)}, {Gpu(0), Gpu(1)}, {}});

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, "GPU-a"}, StartDecision{1, "GPU-b"}));
  ASSERT_EQ(decision.waiting.size(), 1U);
  EXPECT_THAT(decision.waiting[0].reason, HasSubstr("waits for a free device"));
  EXPECT_FALSE(decision.waiting[0].is_blocked);
}

TEST(SchedulerTest, DeviceIsNamedByIndexOrIdentifier) {
  const auto decision = Schedule({{Queued(1, 0, "1"), Queued(2, 0, "GPU-a"), Queued(3, 0, "cpu")},
                                  {Gpu(0), Gpu(1), Cpu()},
                                  {}});

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{1, "GPU-b"}, StartDecision{2, "GPU-a"},
                                           StartDecision{3, "cpu"}));
}

TEST(SchedulerTest, AnyDeviceMeansGpuFirst) {
  const auto decision = Schedule({{Queued(1), Queued(2)}, {Cpu(), Gpu(0)}, {}});

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{1, "GPU-a"}, StartDecision{2, "cpu"}));
}

TEST(SchedulerTest, JobThatWaitsForItsDeviceKeepsNobodyFromAnother) {
  const auto decision =
      Schedule({{Running(1, "GPU-a"), Queued(2, 9, "0"), Queued(3)}, {Gpu(0), Gpu(1)}, {}});

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, "GPU-b"}));
  ASSERT_EQ(decision.waiting.size(), 1U);
  EXPECT_EQ(decision.waiting[0].reason, "waits for device 0, which job 1 uses");
}

TEST(SchedulerTest, CancellingJobStillHoldsItsDevice) {
  JobSnapshot cancelling = Running(1, "cpu");
  cancelling.state = JobState::kCancelling;

  const auto decision = Schedule({{cancelling, Queued(2)}, {Cpu()}, {}});

  EXPECT_THAT(decision.starts, IsEmpty());
}

TEST(SchedulerTest, DependentWaitsUntilItsTeacherSucceeded) {
  const auto waits = Schedule({{Needing(2, {1})}, {Cpu()}, {{1, JobState::kRunning}}});
  EXPECT_THAT(waits.starts, IsEmpty());
  EXPECT_EQ(waits.waiting.at(0).reason, "waits for job 1, which is RUNNING");
  EXPECT_FALSE(waits.waiting.at(0).is_blocked);

  const auto starts = Schedule({{Needing(2, {1})}, {Cpu()}, {{1, JobState::kSucceeded}}});
  EXPECT_THAT(starts.starts, ElementsAre(StartDecision{2, "cpu"}));
}

TEST(SchedulerTest, DependentOfAFailedJobIsBlockedAndSaysWhatToDo) {
  const auto decision =
      Schedule({{Needing(2, {1, 3})}, {Cpu()}, {{1, JobState::kQueued}, {3, JobState::kFailed}}});

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason,
            "blocked: needs job 3, which FAILED; requeue job 3 or cancel this one");
}

TEST(SchedulerTest, DependentOfADeletedJobIsBlocked) {
  const auto decision = Schedule({{Needing(2, {1})}, {Cpu()}, {}});

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason, "blocked: needs job 1, which was deleted");
}

TEST(SchedulerTest, BlockedJobKeepsNobodyBack) {
  const auto decision =
      Schedule({{Needing(2, {1}), Queued(3)}, {Cpu()}, {{1, JobState::kCancelled}}});

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, "cpu"}));
}

TEST(SchedulerTest, UnknownDeviceIsNamed) {
  const auto decision = Schedule({{Queued(1, 0, "7")}, {Gpu(0)}, {}});

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason,
            "blocked: asks for device 7, which this server does not have");
}

// Plays a random workload to its end and checks, at each step, what must always hold.
class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed) {
    const auto num_gpus = static_cast<int>(1 + random_.Below(3));
    for (int index = 0; index < num_gpus; ++index) devices_.push_back(Gpu(index));
    if (random_.Chance(0.5)) devices_.push_back(Cpu());
    const auto num_jobs = static_cast<JobId>(5 + random_.Below(25));
    for (JobId id = 1; id <= num_jobs; ++id) jobs_[id] = RandomJob(id);
  }

  void Run() {
    for (int step = 0; step < 1000; ++step) {
      const SchedulerSnapshot snapshot = Snapshot();
      const ScheduleDecision decision = Schedule(snapshot);
      Check(snapshot, decision);
      for (const StartDecision& start : decision.starts) {
        jobs_[start.job].state = JobState::kRunning;
        jobs_[start.job].held_device = start.device;
      }
      if (!EndOne()) return;
    }
    FAIL() << "the workload never ended";
  }

  // When nothing runs any more, only jobs that are blocked may be left.
  void CheckThatNobodyStarved() {
    for (const WaitingReason& waiting : Schedule(Snapshot()).waiting) {
      const JobSnapshot& job = jobs_[waiting.job];
      const bool waits_for_a_blocked_one =
          std::any_of(job.depends_on.begin(), job.depends_on.end(),
                      [&](JobId needed) { return jobs_[needed].state == JobState::kQueued; });
      EXPECT_TRUE(waiting.is_blocked || waits_for_a_blocked_one) << waiting.reason;
    }
  }

 private:
  JobSnapshot RandomJob(JobId id) {
    JobSnapshot job = Queued(id, static_cast<int>(random_.Below(3)));
    if (random_.Chance(0.4)) job.requested_device = devices_[random_.Below(devices_.size())].id;
    while (id > 1 && random_.Chance(0.3)) {
      job.depends_on.push_back(
          static_cast<JobId>(1 + random_.Below(static_cast<uint64_t>(id - 1))));
    }
    return job;
  }

  SchedulerSnapshot Snapshot() const {
    SchedulerSnapshot snapshot;
    snapshot.devices = devices_;
    for (const auto& [id, job] : jobs_) {
      snapshot.dependency_states[id] = job.state;
      if (!IsTerminal(job.state)) snapshot.jobs.push_back(job);
    }
    return snapshot;
  }

  bool EndOne() {
    std::vector<JobId> running;
    for (const auto& [id, job] : jobs_) {
      if (job.state == JobState::kRunning) running.push_back(id);
    }
    if (running.empty()) return false;
    JobSnapshot& job = jobs_[running[random_.Below(running.size())]];
    job.state = random_.Chance(0.9) ? JobState::kSucceeded : JobState::kFailed;
    job.held_device.clear();
    return true;
  }

  void Check(const SchedulerSnapshot& snapshot, const ScheduleDecision& decision) {
    std::set<std::string> held;
    for (const JobSnapshot& job : snapshot.jobs) {
      if (!job.held_device.empty()) held.insert(job.held_device);
    }
    std::set<JobId> decided;
    for (const StartDecision& start : decision.starts) {
      const JobSnapshot& job = jobs_[start.job];
      EXPECT_TRUE(held.insert(start.device).second) << "two jobs on " << start.device;
      EXPECT_TRUE(decided.insert(start.job).second);
      EXPECT_EQ(job.state, JobState::kQueued);
      EXPECT_TRUE(job.requested_device.empty() || job.requested_device == start.device);
      for (const JobId needed : job.depends_on) {
        EXPECT_EQ(jobs_[needed].state, JobState::kSucceeded);
      }
    }
    for (const WaitingReason& waiting : decision.waiting) {
      EXPECT_TRUE(decided.insert(waiting.job).second);
      EXPECT_FALSE(waiting.reason.empty());
      CheckIsNotPassedOver(waiting, decision, held);
    }
    const auto num_queued =
        std::count_if(snapshot.jobs.begin(), snapshot.jobs.end(),
                      [](const JobSnapshot& job) { return job.state == JobState::kQueued; });
    EXPECT_EQ(decided.size(), static_cast<size_t>(num_queued));
  }

  // A job that could run waits only when every device that suits it is held, and no job of lower
  // rank got one of those.
  void CheckIsNotPassedOver(const WaitingReason& waiting, const ScheduleDecision& decision,
                            const std::set<std::string>& held) {
    const JobSnapshot& job = jobs_[waiting.job];
    for (const JobId needed : job.depends_on) {
      if (jobs_[needed].state != JobState::kSucceeded) return;
    }
    for (const DeviceInfo& device : devices_) {
      if (!job.requested_device.empty() && job.requested_device != device.id) continue;
      EXPECT_EQ(held.count(device.id), 1U) << "job " << job.id << " left " << device.id << " free";
      for (const StartDecision& start : decision.starts) {
        if (start.device != device.id) continue;
        const JobSnapshot& winner = jobs_[start.job];
        EXPECT_TRUE(winner.priority > job.priority ||
                    (winner.priority == job.priority && winner.id < job.id));
      }
    }
  }

  Random random_;
  std::vector<DeviceInfo> devices_;
  std::map<JobId, JobSnapshot> jobs_;
};

TEST(SchedulerTest, RandomWorkloadsKeepTheRules) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed);
    simulation.Run();
    simulation.CheckThatNobodyStarved();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace distill::server
