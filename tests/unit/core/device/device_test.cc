#include "core/device/device.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/device/generator_state.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;

TEST(DeviceTest, ParsesTheCpu) {
  ASSERT_OK(ParseDevice("cpu"));
  EXPECT_TRUE(ParseDevice("cpu")->is_cpu());
}

TEST(DeviceTest, NamesThatAreNoDevicesAreInvalid) {
  for (const char* text : {"", "CPU", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:0x",
                           "cuda0", "cuda:99999999999"}) {
    EXPECT_THAT(ParseDevice(text), HasCode(Code::kInvalidArgument)) << text;
  }
}

TEST(DeviceTest, AGpuThatIsNotThereIsAFailedPrecondition) {
  EXPECT_THAT(ParseDevice("cuda:" + std::to_string(NumCudaDevices())),
              HasCode(Code::kFailedPrecondition));
}

TEST(DeviceTest, TheCpuTellsWhetherLinuxSeesItsBfloat16) {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(HasFastBfloat16(at::Device(at::kCPU)),
            text.str().find(" avx512_bf16 ") != std::string::npos);
}

TEST(DeviceTest, TheCpuTellsItsPeakMemory) {
  const int64_t before = PeakMemoryBytes(at::Device(at::kCPU));
  constexpr int64_t kBytes = int64_t{64} << 20;
  const at::Tensor tensor = at::ones({before + kBytes}, at::kByte);  // more than the peak so far
  EXPECT_GE(PeakMemoryBytes(at::Device(at::kCPU)), before + kBytes);
}

TEST(DeviceTest, OperationsCanBeMadeDeterministic) {
  SetDeterministic(false, /*is_on_gpu=*/true);
  EXPECT_TRUE(at::globalContext().benchmarkCuDNN());
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());
  SetDeterministic(true, /*is_on_gpu=*/false);
  EXPECT_FALSE(at::globalContext().benchmarkCuDNN());
  EXPECT_TRUE(at::globalContext().deterministicCuDNN());
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms()) << "costs time on a CPU, for nothing";
  SetDeterministic(true, /*is_on_gpu=*/true);
  EXPECT_TRUE(at::globalContext().deterministicAlgorithms());
  EXPECT_TRUE(at::globalContext().deterministicAlgorithmsWarnOnly());
  SetDeterministic(false, /*is_on_gpu=*/true);
}

TEST(DeviceTest, ARestoredGeneratorRepeatsItsNumbers) {
  const at::Device cpu(at::kCPU);
  SeedGenerators(7);
  (void)at::randn({3});  // an odd count leaves half of a pair of normal numbers behind
  const at::Tensor state = GeneratorState(cpu);
  const at::Tensor first = at::randn({5});
  ASSERT_FALSE(at::equal(first, at::randn({5})));

  ASSERT_OK(SetGeneratorState(cpu, state));

  EXPECT_TRUE(at::equal(first, at::randn({5})));
}

TEST(DeviceTest, GarbageIsNoGeneratorStateAndChangesNothing) {
  const at::Device cpu(at::kCPU);
  const at::Tensor before = GeneratorState(cpu);
  EXPECT_THAT(SetGeneratorState(cpu, at::zeros({3}, at::kByte)), HasCode(Code::kDataLoss));
  EXPECT_THAT(SetGeneratorState(cpu, at::zeros({3})), HasCode(Code::kDataLoss));
  EXPECT_TRUE(at::equal(before, GeneratorState(cpu)));
}

TEST(DeviceTest, MemoryOfTheCpuIsNotLimited) {
  ASSERT_OK(LimitMemory(at::Device(at::kCPU), 1));
  EXPECT_NO_THROW((void)at::zeros({1024, 1024}));
}

}  // namespace
}  // namespace distill::core
