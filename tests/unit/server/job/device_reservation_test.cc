// Jobs that need several devices (device_reservation.cc), through the scheduler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/job/scheduler.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DeviceReservationTest : public ::testing::Test {
 protected:
  static constexpr int64_t kHour = 3'600'000;
  static constexpr int64_t kNow = 100 * kHour;

  DeviceReservationTest() {
    snapshot_.now_unix_ms = kNow;
    snapshot_.policy.ageing_step_ms = 0;
  }

  void AddGpus(int count, const std::string& name = "H100") {
    for (int i = 0; i < count; ++i) {
      DeviceInfo& device = snapshot_.devices.emplace_back();
      device.index = static_cast<int>(snapshot_.devices.size()) - 1;
      device.id = "GPU-" + std::string(1, static_cast<char>('a' + device.index));
      device.name = name;
    }
  }
  void AddCpus(int count) {
    for (int i = 0; i < count; ++i) {
      snapshot_.devices.emplace_back().id = i == 0 ? "cpu" : "cpu:" + std::to_string(i);
    }
  }

  // Ids grow in the order of the calls.
  JobSnapshot& Queue(int num_devices, int64_t time_limit_ms = 0) {
    JobSnapshot& job = Add();
    job.num_devices = num_devices;
    job.time_limit_ms = time_limit_ms;
    return job;
  }
  JobSnapshot& Run(std::vector<std::string> devices, int64_t ends_in_ms = 0) {
    JobSnapshot& job = Add();
    job.state = JobState::kRunning;
    job.num_devices = static_cast<int>(devices.size());
    job.held_devices = std::move(devices);
    job.can_be_preempted = true;
    if (ends_in_ms > 0) job.expected_end_unix_ms = kNow + ends_in_ms;
    return job;
  }
  void AllowPreemption() {
    snapshot_.policy.has_preemption = true;
    snapshot_.policy.preemption_margin = 10;
  }

  ScheduleDecision Decide() const { return Schedule(snapshot_); }

  SchedulerSnapshot snapshot_;

 private:
  JobSnapshot& Add() {
    JobSnapshot& job = snapshot_.jobs.emplace_back();
    job.id = static_cast<JobId>(snapshot_.jobs.size());
    job.owner = "ann";
    return job;
  }
};

TEST_F(DeviceReservationTest, JobStartsWithAllItsDevices) {
  AddGpus(3);
  Run({"GPU-b"});
  Queue(2);

  EXPECT_THAT(Decide().starts, ElementsAre(StartDecision{2, {"GPU-a", "GPU-c"}}));
}

TEST_F(DeviceReservationTest, FreeDeviceIsKeptUntilThereAreEnough) {
  AddGpus(2);
  Run({"GPU-a"});
  Queue(2);
  Queue(1);

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, IsEmpty()) << "else small jobs starve it";
  ASSERT_EQ(decision.reservations.size(), 1U);
  EXPECT_EQ(decision.reservations[0].job, 2);
  EXPECT_THAT(decision.reservations[0].devices, ElementsAre("GPU-b", "GPU-a"));
  EXPECT_EQ(decision.reservations[0].starts_at_unix_ms, 0) << "nobody knows when job 1 ends";
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kDevice);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "waits for 2 devices of one kind: 1 kept for it so far, the others are in use");
  EXPECT_THAT(decision.waiting.at(0).holders, ElementsAre(1));
  EXPECT_EQ(decision.waiting.at(1).rule, WaitingRule::kKept);
  EXPECT_EQ(decision.waiting.at(1).reason.Plain(),
            "waits for a device, which is kept for job 2, a job before it");
  EXPECT_THAT(decision.waiting.at(1).holders, ElementsAre(1, 2));
}

TEST_F(DeviceReservationTest, JobThatEndsBeforeGoesFirstOnAKeptDevice) {
  AddGpus(2);
  Run({"GPU-a"}, 2 * kHour);
  Queue(2);
  Queue(1, kHour);

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{3, {"GPU-b"}}));
  EXPECT_EQ(decision.reservations.at(0).starts_at_unix_ms, kNow + 2 * kHour);
}

TEST_F(DeviceReservationTest, JobThatCouldDelayItDoesNot) {
  AddGpus(2);
  Run({"GPU-a"}, 2 * kHour);
  Queue(2);
  Queue(1);
  Queue(1, 3 * kHour);
  Queue(1, 2 * kHour);

  EXPECT_THAT(Decide().starts, IsEmpty()) << "the last checkpoint takes a moment too";
}

TEST_F(DeviceReservationTest, ReservationIsForThoseThatAreFreeSoonest) {
  AddGpus(4);
  Run({"GPU-a"});
  Run({"GPU-b"}, 3 * kHour);
  Run({"GPU-c"}, 2 * kHour);
  Queue(2);

  const Reservation reservation = Decide().reservations.at(0);

  EXPECT_THAT(reservation.devices, ElementsAre("GPU-d", "GPU-c"));
  EXPECT_EQ(reservation.starts_at_unix_ms, kNow + 2 * kHour);
}

TEST_F(DeviceReservationTest, DevicesThatItDoesNotNeedStayInUse) {
  AddGpus(2);
  AddCpus(1);
  Run({"GPU-a"});
  Queue(2);
  Queue(1);

  EXPECT_THAT(Decide().starts, ElementsAre(StartDecision{3, {"cpu"}}));
}

TEST_F(DeviceReservationTest, OnlyTheFirstOfSeveralWideJobsReserves) {
  AddGpus(4);
  Run({"GPU-a"});
  Run({"GPU-b", "GPU-c"});
  Queue(3);
  Queue(2);

  const ScheduleDecision decision = Decide();

  EXPECT_EQ(decision.reservations.size(), 1U);
  EXPECT_EQ(decision.waiting.at(1).rule, WaitingRule::kKept);
  EXPECT_EQ(decision.waiting.at(1).reason.Plain(),
            "waits for 2 devices of one kind: those that fall free are kept for job 3, a job "
            "before it");
}

TEST_F(DeviceReservationTest, DevicesOfOneJobAreOfOneKind) {
  AddGpus(1, "A100");
  AddGpus(1, "H100");
  AddCpus(1);
  Queue(2);

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, IsEmpty());
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kNoSuchDevice);
  EXPECT_TRUE(decision.waiting.at(0).is_blocked);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "blocked: needs 2 devices of one kind, of which this server has 1");
  EXPECT_THAT(decision.reservations, IsEmpty());
}

TEST_F(DeviceReservationTest, CpuMeansAllItsDevices) {
  AddGpus(2);
  AddCpus(2);
  Queue(2).requested_device = "cpu";

  EXPECT_THAT(Decide().starts, ElementsAre(StartDecision{1, {"cpu", "cpu:1"}}));
}

TEST_F(DeviceReservationTest, ClosedDeviceKeepsNothingBack) {
  AddGpus(2);
  snapshot_.devices[0].closed_because = "it is gone";
  Queue(2);
  Queue(1);

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{2, {"GPU-b"}}))
      << "nobody knows when the other is back";
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kDeviceClosed);
  EXPECT_THAT(decision.waiting.at(0).reason.Plain(), HasSubstr("GPU-a takes no jobs: it is gone"));
}

TEST_F(DeviceReservationTest, SharedDeviceIsNotJoinedWhileItIsKept) {
  AddGpus(2);
  for (DeviceInfo& device : snapshot_.devices) device.memory_total_bytes = 100;
  snapshot_.policy.gpu_overhead_bytes = 0;
  Run({"GPU-a"}).gpu_memory_bytes = 10;
  Queue(2);
  Queue(1).gpu_memory_bytes = 10;

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, IsEmpty());
  EXPECT_EQ(decision.waiting.at(1).rule, WaitingRule::kKept);
}

TEST_F(DeviceReservationTest, RoomIsMadeForAllOrForNone) {
  AddGpus(2);
  AllowPreemption();
  Run({"GPU-a"});
  Run({"GPU-b"});
  Queue(2).priority = 10;
  EXPECT_THAT(Decide().preemptions,
              UnorderedElementsAre(PreemptionDecision{1, 3}, PreemptionDecision{2, 3}));

  snapshot_.jobs[1].can_be_preempted = false;
  EXPECT_THAT(Decide().preemptions, IsEmpty()) << "one device would be of no use";
}

TEST_F(DeviceReservationTest, NoMoreAreToldToLeaveThanNeeded) {
  AddGpus(4);
  AllowPreemption();
  Run({"GPU-a"});
  Run({"GPU-b", "GPU-c"});
  Queue(3).priority = 10;

  EXPECT_THAT(Decide().preemptions, ElementsAre(PreemptionDecision{2, 3}))
      << "with the free one its two are enough, and it is one job";

  snapshot_.jobs[1].is_leaving = true;
  EXPECT_THAT(Decide().preemptions, IsEmpty()) << "it was told";
}

TEST_F(DeviceReservationTest, RoomMadeForItGoesToNobodyElse) {
  AddGpus(2);
  AllowPreemption();
  Run({"GPU-a"});
  Queue(2).priority = 10;
  Queue(1, 1);

  EXPECT_THAT(Decide().starts, IsEmpty());
}

TEST_F(DeviceReservationTest, LimitsCountDevices) {
  AddGpus(4);
  snapshot_.policy.max_devices_per_user = 3;
  Run({"GPU-a", "GPU-b"});
  Queue(2);
  Queue(4);
  Queue(1);

  const ScheduleDecision decision = Decide();

  EXPECT_THAT(decision.starts, ElementsAre(StartDecision{4, {"GPU-c"}}))
      << "a job above the limit keeps no device";
  EXPECT_EQ(decision.waiting.at(0).rule, WaitingRule::kUserLimit);
  EXPECT_EQ(decision.waiting.at(0).reason.Plain(),
            "waits for its turn: a user may have 3 devices (max_devices_per_user)");
  EXPECT_TRUE(decision.waiting.at(1).is_blocked);
  EXPECT_EQ(decision.waiting.at(1).reason.Plain(),
            "blocked: needs 4 devices, and a user may have 3 devices (max_devices_per_user)");
}

TEST_F(DeviceReservationTest, FairShareCountsEachDevice) {
  AddGpus(4);
  Queue(2);
  Queue(1);
  Queue(1).owner = "bob";
  Queue(1).owner = "bob";

  EXPECT_THAT(Decide().starts,
              ElementsAre(StartDecision{1, {"GPU-a", "GPU-b"}}, StartDecision{3, {"GPU-c"}},
                          StartDecision{4, {"GPU-d"}}))
      << "two devices for ann are two for bob";
}

}  // namespace
}  // namespace distill::server
