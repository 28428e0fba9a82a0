#include "server/job/device_use.h"

#include <gmock/gmock.h>

namespace distill::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

DeviceInfo Gpu(std::vector<DeviceProcess> processes, int64_t used_bytes) {
  DeviceInfo gpu;
  gpu.id = "GPU-a";
  gpu.memory_total_bytes = 24 * kGiB;
  gpu.memory_used_bytes = used_bytes;
  gpu.processes = std::move(processes);
  return gpu;
}

DeviceProcess Process(int pid, int session, int64_t memory_bytes) {
  return {pid, session, "ada", "program", memory_bytes};
}

DeviceHolder Holder(JobId id, int pid, const std::string& device = "GPU-a") {
  DeviceHolder holder;
  holder.job.id = id;
  holder.job.devices = {device};
  holder.pid = pid;
  return holder;
}

TEST(DeviceUseTest, JobOnSeveralDevicesHoldsEach) {
  DeviceInfo other = Gpu({Process(100, 100, kGiB)}, kGiB);
  other.id = "GPU-b";
  DeviceHolder wide = Holder(1, 100);
  wide.job.devices = {"GPU-a", "GPU-b"};

  const auto uses = AssessUse({Gpu({Process(100, 100, 2 * kGiB)}, 2 * kGiB), other}, {wide});

  ASSERT_EQ(uses[0].holders.size(), 1U);
  ASSERT_EQ(uses[1].holders.size(), 1U);
  EXPECT_EQ(uses[0].holders[0].used_bytes, 2 * kGiB);
  EXPECT_EQ(uses[1].holders[0].used_bytes, kGiB);
}

TEST(DeviceUseTest, TellsWorkersFromOutsiders) {
  const auto uses = AssessUse({Gpu({Process(100, 100, 2 * kGiB), Process(101, 100, kGiB),
                                    Process(300, 7, 4 * kGiB), Process(200, 200, kGiB)},
                                   8 * kGiB)},
                              {Holder(1, 100), Holder(2, 200)});

  ASSERT_EQ(uses.size(), 1U);
  ASSERT_EQ(uses[0].holders.size(), 2U);
  EXPECT_EQ(uses[0].holders[0].used_bytes, 3 * kGiB) << "with the process that it started";
  EXPECT_EQ(uses[0].holders[1].used_bytes, kGiB);
  ASSERT_EQ(uses[0].outsiders.size(), 1U);
  EXPECT_EQ(uses[0].outsiders[0].pid, 300);
  EXPECT_EQ(uses[0].device.foreign_memory_bytes, 4 * kGiB);
}

TEST(DeviceUseTest, WhatTheDriverDoesNotTellIsTheRestOfWhatIsUsed) {
  const auto uses = AssessUse({Gpu({Process(100, 100, 2 * kGiB), Process(300, 7, -1)}, 7 * kGiB)},
                              {Holder(1, 100)});

  EXPECT_EQ(uses[0].device.foreign_memory_bytes, 5 * kGiB);
}

TEST(DeviceUseTest, AWorkerOnAnotherDeviceIsNoOutsider) {
  const auto uses = AssessUse({Gpu({Process(100, 100, kGiB)}, kGiB)}, {Holder(1, 100, "GPU-b")});

  EXPECT_TRUE(uses[0].holders.empty());
  EXPECT_TRUE(uses[0].outsiders.empty());
}

TEST(DeviceUseTest, AJobWithoutAKnownProcessOwnsNone) {
  const auto uses = AssessUse({Gpu({Process(300, 0, kGiB)}, kGiB)}, {Holder(1, 0)});

  EXPECT_EQ(uses[0].outsiders.size(), 1U);
  EXPECT_EQ(uses[0].holders[0].used_bytes, -1);
}

}  // namespace
}  // namespace distill::server
