#include "server/device/nvml_device_catalog.h"

#include <gmock/gmock.h>

#include <utility>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

// A driver that tests switch on and off.
struct FakeDriver {
  bool is_installed = true;
  bool answers = true;
  int times_loaded = 0;
  std::vector<DeviceInfo> gpus;
  std::vector<GpuError> errors;  // not told yet
};

class FakeNvml final : public NvmlApi {
 public:
  explicit FakeNvml(FakeDriver& driver) : driver_(driver) {}
  Result<std::vector<DeviceInfo>> ListGpus() override {
    if (!driver_.answers) return Status(Code::kUnavailable, "driver gone");
    return driver_.gpus;
  }
  std::vector<GpuError> TakeErrors() override { return std::exchange(driver_.errors, {}); }

 private:
  FakeDriver& driver_;
};

class FakeLoader final : public NvmlLoader {
 public:
  explicit FakeLoader(FakeDriver& driver) : driver_(driver) {}
  Result<std::unique_ptr<NvmlApi>> Load() override {
    if (!driver_.is_installed) return Status(Code::kNotFound, "no driver");
    ++driver_.times_loaded;
    return std::unique_ptr<NvmlApi>(std::make_unique<FakeNvml>(driver_));
  }

 private:
  FakeDriver& driver_;
};

class NvmlDeviceCatalogTest : public ::testing::Test {
 protected:
  NvmlDeviceCatalogTest() {
    for (int index : {0, 1}) {
      DeviceInfo gpu;
      gpu.id = "GPU-" + std::to_string(index);
      gpu.index = index;
      driver_.gpus.push_back(gpu);
    }
  }

  std::vector<std::string> List(const std::vector<std::string>& wanted) {
    NvmlDeviceCatalog catalog(Options(wanted), loader_);
    return Ids(catalog);
  }

  static std::vector<std::string> Ids(NvmlDeviceCatalog& catalog) {
    std::vector<std::string> ids;
    for (const DeviceInfo& device : catalog.List()) ids.push_back(device.id);
    return ids;
  }

  DeviceCatalogOptions Options(const std::vector<std::string>& wanted) const {
    return {wanted, /*cpu_devices=*/1, folder_.path() / "gpus"};
  }

  testing::TempDir folder_;
  FakeDriver driver_;
  FakeLoader loader_{driver_};
};

TEST_F(NvmlDeviceCatalogTest, AutoTakesAllGpusAndNoCpu) {
  EXPECT_THAT(List({"auto"}), ElementsAre("GPU-0", "GPU-1"));
}

TEST_F(NvmlDeviceCatalogTest, AutoTakesTheCpuWhereThereIsNoGpu) {
  driver_.is_installed = false;

  EXPECT_THAT(List({"auto"}), ElementsAre("cpu"));
}

TEST_F(NvmlDeviceCatalogTest, TakesWhatIsConfiguredByIndexUuidAndCpu) {
  EXPECT_THAT(List({"1"}), ElementsAre("GPU-1"));
  EXPECT_THAT(List({"GPU-0", "cpu"}), ElementsAre("GPU-0", "cpu"));
  EXPECT_THAT(List({"cpu"}), ElementsAre("cpu"));
}

TEST_F(NvmlDeviceCatalogTest, FindsADriverThatComesLater) {
  driver_.is_installed = false;
  NvmlDeviceCatalog catalog(Options({"0"}), loader_);
  EXPECT_THAT(Ids(catalog), ElementsAre());

  driver_.is_installed = true;

  EXPECT_THAT(Ids(catalog), ElementsAre("GPU-0"));
}

TEST_F(NvmlDeviceCatalogTest, LoadsTheDriverAgainAfterItFailed) {
  NvmlDeviceCatalog catalog(Options({"auto"}), loader_);
  Ids(catalog);
  driver_.answers = false;
  Ids(catalog);
  driver_.answers = true;

  EXPECT_THAT(Ids(catalog), ElementsAre("GPU-0", "GPU-1"));
  EXPECT_EQ(driver_.times_loaded, 2);
}

TEST_F(NvmlDeviceCatalogTest, AGpuThatIsGoneStaysListedAndClosedUntilItIsBack) {
  NvmlDeviceCatalog catalog(Options({"auto"}), loader_);
  catalog.List();
  const std::vector<DeviceInfo> both = driver_.gpus;
  driver_.gpus.pop_back();

  const std::vector<DeviceInfo> devices = catalog.List();

  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].closed_because, "");
  EXPECT_EQ(devices[1].id, "GPU-1");
  EXPECT_EQ(devices[1].closed_because, "it is gone: the driver no longer lists it");
  EXPECT_TRUE(devices[1].has_failed);
  driver_.gpus = both;
  EXPECT_FALSE(catalog.List()[1].has_failed);
}

TEST_F(NvmlDeviceCatalogTest, AnIndexKeepsMeaningTheGpuThatHadItFirst) {
  NvmlDeviceCatalog catalog(Options({"0"}), loader_);
  catalog.List();
  driver_.gpus.erase(driver_.gpus.begin());
  driver_.gpus[0].index = 0;

  EXPECT_THAT(Ids(catalog), ElementsAre("GPU-0"));
}

TEST_F(NvmlDeviceCatalogTest, FindsAGpuThatAppears) {
  NvmlDeviceCatalog catalog(Options({"auto"}), loader_);
  catalog.List();
  DeviceInfo gpu;
  gpu.id = "GPU-2";
  gpu.index = 2;
  driver_.gpus.push_back(gpu);
  std::filesystem::create_directories(folder_.path() / "gpus" / "0000:03:00.0");

  EXPECT_THAT(Ids(catalog), ElementsAre("GPU-0", "GPU-1", "GPU-2"));
  EXPECT_EQ(driver_.times_loaded, 2) << "NVML must start anew to see it";
}

TEST_F(NvmlDeviceCatalogTest, ASilentDriverClosesGpusButFailsNone) {
  NvmlDeviceCatalog catalog(Options({"auto"}), loader_);
  catalog.List();
  driver_.answers = false;

  const std::vector<DeviceInfo> devices = catalog.List();

  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[0].closed_because, "the NVIDIA driver does not answer");
  EXPECT_FALSE(devices[0].has_failed);
}

TEST_F(NvmlDeviceCatalogTest, ACriticalErrorClosesAGpuForGood) {
  NvmlDeviceCatalog catalog(Options({"auto"}), loader_);
  driver_.errors = {{"GPU-0", 31}, {"GPU-1", 79}};
  catalog.List();

  const std::vector<DeviceInfo> devices = catalog.List();

  EXPECT_FALSE(devices[0].has_failed) << "a page fault is the program's error";
  EXPECT_TRUE(devices[1].has_failed);
  EXPECT_EQ(devices[1].closed_because, "the driver reported the critical error Xid 79");
}

TEST_F(NvmlDeviceCatalogTest, CpuHasANameAndMemory) {
  const DeviceInfo cpu = DescribeCpu(1).front();

  EXPECT_EQ(cpu.index, -1);
  EXPECT_FALSE(cpu.name.empty());
  EXPECT_GT(cpu.memory_total_bytes, cpu.memory_used_bytes);
}

TEST_F(NvmlDeviceCatalogTest, CpuCountsAsSeveralDevices) {
  const std::vector<DeviceInfo> devices = DescribeCpu(3);

  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].id, "cpu") << "jobs that run keep their device when the number is changed";
  EXPECT_EQ(devices[1].id, "cpu:1");
  EXPECT_EQ(devices[2].id, "cpu:2");
  EXPECT_EQ(devices[2].index, -1);
}

}  // namespace
}  // namespace distill::server
