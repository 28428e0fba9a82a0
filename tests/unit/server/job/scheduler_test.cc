#include "server/job/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

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
  job.held_devices = {std::move(device)};
  return job;
}

JobSnapshot Needing(JobId id, std::vector<JobId> depends_on) {
  JobSnapshot job = Queued(id);
  job.depends_on = std::move(depends_on);
  return job;
}

SchedulerSnapshot Snapshot(std::vector<JobSnapshot> jobs, std::vector<DeviceInfo> devices,
                           std::map<JobId, JobState> states = {}) {
  SchedulerSnapshot snapshot;
  snapshot.jobs = std::move(jobs);
  snapshot.devices = std::move(devices);
  snapshot.dependency_states = std::move(states);
  return snapshot;
}

constexpr int64_t kGib = int64_t{1} << 30;
constexpr int64_t kHour = 3'600'000;

DeviceInfo LargeGpu(int index, int64_t foreign_bytes = 0) {
  DeviceInfo device = Gpu(index);
  device.memory_total_bytes = 24 * kGib;
  device.foreign_memory_bytes = foreign_bytes;
  return device;
}

JobSnapshot Sharing(JobId id, int64_t gib, std::string held_device = "") {
  JobSnapshot job = Queued(id);
  job.gpu_memory_bytes = gib * kGib;
  if (!held_device.empty()) job.state = JobState::kRunning;
  if (!held_device.empty()) job.held_devices = {std::move(held_device)};
  return job;
}

JobSnapshot OwnedBy(const std::string& owner, JobSnapshot job) {
  job.owner = owner;
  return job;
}

TEST(SchedulerTest, HigherPriorityFirstThenFirstCome) {
  const auto decision = Schedule(Snapshot({Queued(1), Queued(2), Queued(3, 5)}, {Gpu(0), Gpu(1)}));

  EXPECT_THAT(decision.starts,
              ElementsAre(StartDecision{3, {"GPU-a"}}, StartDecision{1, {"GPU-b"}}));
  ASSERT_EQ(decision.waiting.size(), 1U);
  EXPECT_THAT(decision.waiting[0].reason.Plain(), HasSubstr("waits for a free device"));
  EXPECT_FALSE(decision.waiting[0].is_blocked);
}

TEST(SchedulerTest, DeviceIsNamedByIndexOrIdentifier) {
  const auto decision =
      Schedule(Snapshot({Queued(1, 0, "1"), Queued(2, 0, "GPU-a"), Queued(3, 0, "cpu")},
                        {Gpu(0), Gpu(1), Cpu()}, {}));

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{1, {"GPU-b"}}, StartDecision{2, {"GPU-a"}},
                                           StartDecision{3, {"cpu"}}));
}

TEST(SchedulerTest, AnyDeviceMeansGpuFirst) {
  const auto decision = Schedule(Snapshot({Queued(1), Queued(2)}, {Cpu(), Gpu(0)}, {}));

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{1, {"GPU-a"}}, StartDecision{2, {"cpu"}}));
}

TEST(SchedulerTest, JobThatWaitsForItsDeviceKeepsNobodyFromAnother) {
  const auto decision =
      Schedule(Snapshot({Running(1, "GPU-a"), Queued(2, 9, "0"), Queued(3)}, {Gpu(0), Gpu(1)}));

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, {"GPU-b"}}));
  ASSERT_EQ(decision.waiting.size(), 1U);
  EXPECT_EQ(decision.waiting[0].reason.Plain(), "waits for device 0, which job 1 uses");
}

TEST(SchedulerTest, CancellingJobStillHoldsItsDevice) {
  JobSnapshot cancelling = Running(1, "cpu");
  cancelling.state = JobState::kCancelling;

  const auto decision = Schedule(Snapshot({cancelling, Queued(2)}, {Cpu()}));

  EXPECT_THAT(decision.starts, IsEmpty());
}

TEST(SchedulerTest, DependentWaitsUntilItsTeacherSucceeded) {
  const auto waits = Schedule(Snapshot({Needing(2, {1})}, {Cpu()}, {{1, JobState::kRunning}}));
  EXPECT_THAT(waits.starts, IsEmpty());
  EXPECT_EQ(waits.waiting.at(0).reason.Plain(), "waits for job 1, which is RUNNING");
  EXPECT_FALSE(waits.waiting.at(0).is_blocked);

  const auto starts = Schedule(Snapshot({Needing(2, {1})}, {Cpu()}, {{1, JobState::kSucceeded}}));
  EXPECT_THAT(starts.starts, ElementsAre(StartDecision{2, {"cpu"}}));
}

TEST(SchedulerTest, DependentOfAFailedJobIsBlockedAndSaysWhatToDo) {
  const auto decision = Schedule(
      Snapshot({Needing(2, {1, 3})}, {Cpu()}, {{1, JobState::kQueued}, {3, JobState::kFailed}}));

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "blocked: needs job 3, which FAILED; requeue job 3 or cancel this one");
}

TEST(SchedulerTest, DependentOfADeletedJobIsBlocked) {
  const auto decision = Schedule(Snapshot({Needing(2, {1})}, {Cpu()}));

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(), "blocked: needs job 1, which was deleted");
}

TEST(SchedulerTest, BlockedJobKeepsNobodyBack) {
  const auto decision =
      Schedule(Snapshot({Needing(2, {1}), Queued(3)}, {Cpu()}, {{1, JobState::kCancelled}}));

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, {"cpu"}}));
}

TEST(SchedulerTest, UnknownDeviceIsNamed) {
  const auto decision = Schedule(Snapshot({Queued(1, 0, "7")}, {Gpu(0)}));

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "blocked: asks for device 7, which this server does not have");
}

TEST(SchedulerTest, EveryAnswerNamesRuleHoldersAndPlace) {
  const auto decision = Schedule(Snapshot({Running(1, "GPU-a"), Queued(2), Needing(3, {2})},
                                          {Gpu(0)}, {{2, JobState::kQueued}}));

  ASSERT_EQ(decision.waiting.size(), 2U);
  EXPECT_EQ(decision.waiting[0].rule, WaitingRule::kDevice);
  EXPECT_THAT(decision.waiting[0].holders, ElementsAre(1));
  EXPECT_EQ(decision.waiting[0].place, 1);
  EXPECT_EQ(decision.waiting[1].rule, WaitingRule::kDependency);
  EXPECT_THAT(decision.waiting[1].holders, ElementsAre(2));
  EXPECT_EQ(decision.waiting[1].place, 2);
}

TEST(SchedulerTest, AfterTakesTheEndThatItNames) {
  const auto start = [](AfterCondition condition, JobState state) {
    JobSnapshot job = Queued(2);
    job.after = {{1, condition}};
    const auto decision = Schedule(Snapshot({job}, {Cpu()}, {{1, state}}));
    return decision.waiting.empty() ? std::string("starts") : decision.waiting[0].reason.Plain();
  };

  EXPECT_EQ(start(AfterCondition::kOk, JobState::kSucceeded), "starts");
  EXPECT_EQ(start(AfterCondition::kAny, JobState::kSucceeded), "starts");
  EXPECT_EQ(start(AfterCondition::kAny, JobState::kFailed), "starts");
  EXPECT_EQ(start(AfterCondition::kFail, JobState::kFailed), "starts");
  EXPECT_EQ(start(AfterCondition::kFail, JobState::kCancelled), "starts");
  for (const auto condition : {AfterCondition::kOk, AfterCondition::kAny, AfterCondition::kFail}) {
    EXPECT_EQ(start(condition, JobState::kRunning), "waits for job 1, which is RUNNING");
    EXPECT_EQ(start(condition, JobState::kPaused), "waits for job 1, which is PAUSED");
  }
  EXPECT_THAT(start(AfterCondition::kOk, JobState::kFailed), HasSubstr("blocked"));
  EXPECT_THAT(start(AfterCondition::kFail, JobState::kSucceeded),
              HasSubstr("runs only if job 1 fails"));
}

TEST(SchedulerTest, UserWhoHadLessOfTheDevicesComesFirst) {
  SchedulerSnapshot snapshot =
      Snapshot({OwnedBy("ann", Queued(1)), OwnedBy("bob", Queued(2))}, {Gpu(0)});
  snapshot.users["ann"].used_seconds = 100;

  EXPECT_THAT(Schedule(snapshot).starts, ElementsAre(StartDecision{2, {"GPU-a"}}));
}

TEST(SchedulerTest, OneUserDoesNotGetAllDevicesOfAPass) {
  const auto decision = Schedule(
      Snapshot({OwnedBy("ann", Queued(1)), OwnedBy("ann", Queued(2)), OwnedBy("bob", Queued(3))},
               {Gpu(0), Gpu(1)}));

  EXPECT_THAT(decision.starts,
              ElementsAre(StartDecision{1, {"GPU-a"}}, StartDecision{3, {"GPU-b"}}));
}

TEST(SchedulerTest, WaitingUserGainsAPointOfPriorityEachStep) {
  SchedulerSnapshot snapshot =
      Snapshot({OwnedBy("ann", Queued(1)), OwnedBy("bob", Queued(2, 2))}, {Gpu(0)});
  snapshot.policy.ageing_step_ms = kHour;
  snapshot.jobs[1].waiting_since_unix_ms = 3 * kHour;
  snapshot.users["ann"].used_seconds = 1e6;

  snapshot.now_unix_ms = 3 * kHour - 1;
  snapshot.jobs[1].waiting_since_unix_ms = snapshot.now_unix_ms;
  EXPECT_EQ(Schedule(snapshot).starts.at(0).job, 2) << "2 points each: less use first";
  snapshot.now_unix_ms = 3 * kHour;
  EXPECT_EQ(Schedule(snapshot).starts.at(0).job, 1);
}

TEST(SchedulerTest, AgeCountsFromTheOwnersLastUseOfADeviceThatSuits) {
  SchedulerSnapshot snapshot =
      Snapshot({OwnedBy("ann", Queued(1)), OwnedBy("bob", Queued(2))}, {Gpu(0), Gpu(1)});
  snapshot.jobs[0].requested_device = snapshot.jobs[1].requested_device = "0";
  snapshot.policy.ageing_step_ms = kHour;
  snapshot.now_unix_ms = 10 * kHour;
  snapshot.jobs[1].waiting_since_unix_ms = 8 * kHour;

  snapshot.users["ann"].last_uses["GPU-a"] = 9 * kHour;
  EXPECT_EQ(Schedule(snapshot).starts.at(0).job, 2);
  snapshot.users["ann"].last_uses = {{"GPU-b", 9 * kHour}};
  EXPECT_EQ(Schedule(snapshot).starts.at(0).job, 1);
}

TEST(SchedulerTest, JobThatWaitsForAnotherDoesNotAge) {
  JobSnapshot dependent = Needing(1, {9});
  SchedulerSnapshot snapshot = Snapshot({dependent, Queued(2)}, {}, {{9, JobState::kRunning}});
  snapshot.policy.ageing_step_ms = kHour;
  snapshot.now_unix_ms = 100 * kHour;
  snapshot.jobs[1].waiting_since_unix_ms = 98 * kHour;

  EXPECT_EQ(Schedule(snapshot).waiting.at(0).job, 2);
}

TEST(SchedulerTest, JobsShareAGpuByDeclaredMemory) {
  SchedulerSnapshot snapshot =
      Snapshot({Sharing(1, 12, "GPU-a"), Sharing(2, 8), Sharing(3, 8)}, {LargeGpu(0)});
  snapshot.policy.gpu_overhead_bytes = kGib;

  const auto decision = Schedule(snapshot);

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{2, {"GPU-a"}}));
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kMemory);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(), "waits for 8.0 GiB of memory on a device");
}

TEST(SchedulerTest, SharesGoOntoTheFullestDevice) {
  const auto decision = Schedule(Snapshot({Sharing(1, 12, "GPU-b"), Sharing(2, 8), Sharing(3, 8)},
                                          {LargeGpu(0), LargeGpu(1)}));

  EXPECT_THAT(decision.starts,
              ElementsAre(StartDecision{2, {"GPU-b"}}, StartDecision{3, {"GPU-a"}}));
}

TEST(SchedulerTest, RoomIsCountedDeviceByDevice) {
  const auto decision =
      Schedule(Snapshot({Sharing(1, 16, "GPU-a"), Sharing(2, 16, "GPU-b"), Sharing(3, 16)},
                        {LargeGpu(0), LargeGpu(1)}));

  EXPECT_THAT(decision.starts, IsEmpty()) << "8 GiB on each of two are not 16";
}

TEST(SchedulerTest, JobThatDeclaresNothingHasItsDeviceToItself) {
  EXPECT_THAT(Schedule(Snapshot({Running(1, "GPU-a"), Sharing(2, 1)}, {LargeGpu(0)})).starts,
              IsEmpty());
  EXPECT_THAT(Schedule(Snapshot({Sharing(1, 1, "GPU-a"), Queued(2)}, {LargeGpu(0)})).starts,
              IsEmpty());
}

TEST(SchedulerTest, MemoryOfOutsidersIsNotGivenOut) {
  const auto decision = Schedule(Snapshot({Sharing(1, 12)}, {LargeGpu(0, 16 * kGib)}));

  EXPECT_THAT(decision.starts, IsEmpty());
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kMemory);
  EXPECT_THAT(decision.waiting.at(0).reason.Plain(),
              HasSubstr("processes that this server did not start"));
  EXPECT_FALSE(decision.waiting.at(0).is_blocked);
}

TEST(SchedulerTest, MoreMemoryThanAnyDeviceHasBlocks) {
  const auto decision = Schedule(Snapshot({Sharing(1, 25)}, {LargeGpu(0)}));

  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "blocked: asks for 25.0 GiB of GPU memory, more than any device has");
}

TEST(SchedulerTest, SharedDeviceIsEmptiedForAJobThatNeedsItWhole) {
  const auto decision =
      Schedule(Snapshot({Sharing(1, 4, "GPU-a"), Queued(2, 1), Sharing(3, 4)}, {LargeGpu(0)}));

  EXPECT_THAT(decision.starts, IsEmpty()) << "else small jobs starve it";
  EXPECT_EQ(decision.waiting.at(1).rule, WaitingRule::kKept);
  EXPECT_EQ(decision.waiting.at(1).reason.Plain(),
            "waits for a device, which is kept for job 2, a job before it");
}

TEST(SchedulerTest, ClosedDeviceTakesNothingAndSaysWhy) {
  DeviceInfo closed = Gpu(0);
  closed.closed_because = "uncorrected memory errors";

  const auto decision = Schedule(Snapshot({Queued(1)}, {closed}));

  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kDeviceClosed);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(), "waits for a device: uncorrected memory errors");
}

TEST(SchedulerTest, LimitsHoldForUsersAndTheirGroups) {
  const std::vector<JobSnapshot> jobs = {OwnedBy("ann", Running(1, "GPU-a")),
                                         OwnedBy("ann", Queued(2)), OwnedBy("bob", Queued(3)),
                                         OwnedBy("eve", Queued(4))};
  SchedulerSnapshot snapshot = Snapshot(jobs, {Gpu(0), Gpu(1), Gpu(2)});
  snapshot.policy.max_running_jobs_per_user = 1;
  snapshot.policy.user_groups = {{"vision", {"ann", "bob"}, 0, 1}};

  const auto decision = Schedule(snapshot);

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{4, {"GPU-b"}}));
  for (const WaitingReason& waiting : decision.waiting) {
    EXPECT_EQ(waiting.reason.Plain(),
              waiting.job == 2
                  ? "waits for its turn: a user may have 1 running job (max_running_jobs_per_user)"
                  : "waits for its turn: the group vision may have 1 device (user_groups)");
    EXPECT_THAT(waiting.holders, ElementsAre(1));
  }
}

TEST(SchedulerTest, UserAtTheLimitOfDevicesMayShareOwnOnes) {
  SchedulerSnapshot snapshot = Snapshot({OwnedBy("ann", Sharing(1, 4, "GPU-a")),
                                         OwnedBy("ann", Queued(2)), OwnedBy("ann", Sharing(3, 4))},
                                        {LargeGpu(0), LargeGpu(1)});
  snapshot.policy.max_devices_per_user = 1;

  EXPECT_THAT(Schedule(snapshot).starts, ElementsAre(StartDecision{3, {"GPU-a"}}));
}

TEST(SchedulerTest, GroupOfJobsRunsAsManyAsItMay) {
  std::vector<JobSnapshot> jobs = {Running(1, "GPU-a"), Queued(2), Queued(3), Queued(4)};
  for (JobSnapshot& job : jobs) {
    job.group = "grid";
    job.max_parallel = 2;
  }
  jobs[3].group = "other";

  const auto decision = Schedule(Snapshot(jobs, {Gpu(0), Gpu(1), Gpu(2)}));

  EXPECT_THAT(decision.starts,
              ElementsAre(StartDecision{2, {"GPU-b"}}, StartDecision{4, {"GPU-c"}}));
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kMaxParallel);
  EXPECT_THAT(decision.waiting.at(0).holders, ElementsAre(1, 2));
}

TEST(SchedulerTest, DelayedJobKeepsNobodyBack) {
  JobSnapshot delayed = Queued(1, 9);
  delayed.is_delayed = true;

  const auto decision = Schedule(Snapshot({delayed, Queued(2)}, {Cpu()}));

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{2, {"cpu"}}));
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kDelay);
}

SchedulerSnapshot WithPreemption(std::vector<JobSnapshot> jobs, std::vector<DeviceInfo> devices) {
  SchedulerSnapshot snapshot = Snapshot(std::move(jobs), std::move(devices));
  snapshot.policy.has_preemption = true;
  snapshot.policy.preemption_margin = 10;
  snapshot.policy.preemption_min_run_ms = kHour;
  snapshot.now_unix_ms = 2 * kHour;
  for (JobSnapshot& job : snapshot.jobs) job.can_be_preempted = true;
  return snapshot;
}

TEST(SchedulerTest, MuchHigherPriorityTakesADevice) {
  const auto decision = Schedule(WithPreemption({Running(1, "GPU-a"), Queued(2, 10)}, {Gpu(0)}));

  EXPECT_THAT(decision.preemptions, ElementsAre(PreemptionDecision{1, 2}));
  EXPECT_THAT(decision.starts, IsEmpty()) << "not before the other has left";
}

TEST(SchedulerTest, NobodyIsPreemptedWithoutEveryCondition) {
  const auto victims = [](const std::function<void(SchedulerSnapshot&)>& change) {
    SchedulerSnapshot snapshot = WithPreemption({Running(1, "GPU-a"), Queued(2, 10)}, {Gpu(0)});
    change(snapshot);
    return Schedule(snapshot).preemptions;
  };

  EXPECT_EQ(victims([](auto&) {}).size(), 1U);
  EXPECT_THAT(victims([](auto& s) { s.policy.has_preemption = false; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) { s.jobs[1].priority = 9; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) { s.jobs[0].started_at_unix_ms = kHour + 1; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) { s.jobs[0].can_be_preempted = false; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) { s.jobs[0].is_leaving = true; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) { s.jobs[0].state = JobState::kPausing; }), IsEmpty());
  EXPECT_THAT(victims([](auto& s) {
                s.policy.preemption_margin = 0;
                s.jobs[1].priority = 0;
              }),
              IsEmpty());
  // A day of waiting makes nobody important.
  EXPECT_THAT(victims([](auto& s) {
                s.jobs[1].priority = 0;
                s.now_unix_ms = 24 * kHour;
              }),
              IsEmpty());
}

TEST(SchedulerTest, JobThatMadeRoomDoesNotTakeTheDeviceBack) {
  // It has held the device until now, for days.
  SchedulerSnapshot snapshot =
      WithPreemption({OwnedBy("ann", Queued(1)), OwnedBy("bob", Queued(2, 10))}, {Gpu(0)});
  snapshot.now_unix_ms = 100 * kHour;
  snapshot.jobs[1].waiting_since_unix_ms = 99 * kHour;
  snapshot.users["ann"].last_uses["GPU-a"] = snapshot.now_unix_ms;

  EXPECT_THAT(Schedule(snapshot).starts, ElementsAre(StartDecision{2, {"GPU-a"}}));
}

TEST(SchedulerTest, OnlyAsManySharesArePreemptedAsAreNeeded) {
  SchedulerSnapshot snapshot = WithPreemption(
      {Sharing(1, 8, "GPU-a"), Sharing(2, 8, "GPU-a"), Sharing(3, 12)}, {LargeGpu(0)});
  snapshot.jobs[1].priority = -1;
  snapshot.jobs[2].priority = 20;

  EXPECT_THAT(Schedule(snapshot).preemptions, ElementsAre(PreemptionDecision{2, 3}));
}

}  // namespace
}  // namespace distill::server
