#include "server/device/nvml.h"

#include <gmock/gmock.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

#include "tests/fakes/fake_gpus.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
const char* const kTwoGpus[] = {"gpu GPU-a 24000 300 35 61 Fake A", "gpu GPU-b 8000 0 0 40 Fake B"};

// The real loader on the fake library.
class NvmlTest : public ::testing::Test {
 protected:
  void Set(std::vector<std::string> more = {}) {
    more.insert(more.begin(), std::begin(kTwoGpus), std::end(kTwoGpus));
    gpus_.Set(more);
  }
  std::unique_ptr<NvmlApi> Load() { return std::move(loader_.Load()).value(); }

  testing::TempDir folder_;
  testing::FakeGpus gpus_{folder_.path() / "gpus"};
  SystemNvmlLoader loader_{FAKE_NVML};
};

TEST_F(NvmlTest, ReadsWhatTheDriverTellsOfEachGpu) {
  Set();
  const auto gpus = Load()->ListGpus();
  ASSERT_OK(gpus);
  ASSERT_EQ(gpus->size(), 2U);
  const DeviceInfo& gpu = (*gpus)[0];
  EXPECT_EQ(gpu.id, "GPU-a");
  EXPECT_EQ(gpu.index, 0);
  EXPECT_EQ(gpu.name, "Fake A");
  EXPECT_EQ(gpu.pci_bus_id, "00000001:00:00.0");
  EXPECT_EQ(gpu.memory_total_bytes, 24000 * kMiB);
  EXPECT_EQ(gpu.memory_used_bytes, 300 * kMiB);
  EXPECT_EQ(gpu.utilization_percent, 35);
  EXPECT_EQ(gpu.temperature_celsius, 61);
  EXPECT_EQ(gpu.closed_because, "");
  EXPECT_EQ((*gpus)[1].id, "GPU-b");
}

TEST_F(NvmlTest, NamesTheOwnerOfEachProcess) {
  Set({"process GPU-a " + std::to_string(::getpid()) + " 512", "process GPU-a 999999999 -1"});
  const auto gpus = Load()->ListGpus();
  ASSERT_OK(gpus);
  ASSERT_EQ((*gpus)[0].processes.size(), 2U);
  const DeviceProcess& own = (*gpus)[0].processes[0];
  EXPECT_EQ(own.pid, ::getpid());
  EXPECT_EQ(own.memory_bytes, 512 * kMiB);
  EXPECT_EQ(own.user, ::getpwuid(::getuid())->pw_name);
  EXPECT_EQ(own.program, std::string(program_invocation_short_name).substr(0, 15));
  EXPECT_EQ(own.session, ::getsid(0));
  const DeviceProcess& gone = (*gpus)[0].processes[1];
  EXPECT_EQ(gone.memory_bytes, -1);
  EXPECT_EQ(gone.user, "");
}

TEST_F(NvmlTest, ListsMoreProcessesThanItHadRoomFor) {
  std::vector<std::string> processes;
  for (int i = 0; i < 100; ++i) {
    processes.push_back("process GPU-b " + std::to_string(900'000'000 + i) + " 1");
  }
  Set(processes);
  const auto gpus = Load()->ListGpus();
  ASSERT_OK(gpus);
  EXPECT_EQ((*gpus)[1].processes.size(), 100U);
}

TEST_F(NvmlTest, ClosesAGpuWithUncorrectedMemoryErrors) {
  Set({"ecc GPU-b 3"});
  const auto gpus = Load()->ListGpus();
  ASSERT_OK(gpus);
  EXPECT_EQ((*gpus)[0].closed_because, "");
  EXPECT_EQ((*gpus)[1].closed_because, "uncorrected memory errors since its reset: 3");
  EXPECT_TRUE((*gpus)[1].has_failed);
}

TEST_F(NvmlTest, TellsOfEachNewErrorOnce) {
  Set({"xid GPU-a 31"});
  const auto nvml = Load();
  ASSERT_OK(nvml->ListGpus());
  EXPECT_TRUE(nvml->TakeErrors().empty());
  Set({"xid GPU-a 31", "xid GPU-b 79"});
  ASSERT_OK(nvml->ListGpus());
  const std::vector<GpuError> errors = nvml->TakeErrors();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].gpu, "GPU-b");
  EXPECT_EQ(errors[0].xid, 79);
  EXPECT_TRUE(nvml->TakeErrors().empty());
}

TEST_F(NvmlTest, SaysWhenTheDriverIsSilentOrNotThere) {
  Set();
  const auto nvml = Load();
  gpus_.Set({"silent"});
  EXPECT_EQ(nvml->ListGpus().status().code(), Code::kUnavailable);
  EXPECT_EQ(loader_.Load().status().code(), Code::kUnavailable);
  SystemNvmlLoader missing("/nowhere/libnvidia-ml.so.1");
  EXPECT_EQ(missing.Load().status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace distill::server
