// What only a machine with an NVIDIA GPU can show (label gpu).
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "core/device/amp.h"
#include "core/device/device.h"
#include "core/device/generator_state.h"
#include "core/device/image_normalizer.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (NumCudaDevices() == 0) GTEST_SKIP() << "no GPU";
  }

  const at::Device gpu_{at::kCUDA, 0};
};

TEST_F(GpuTest, TheFirstGpuHasTwoNames) {
  ASSERT_OK(ParseDevice("cuda"));
  EXPECT_EQ(*ParseDevice("cuda"), *ParseDevice("cuda:0"));
}

TEST_F(GpuTest, AutocastComputesInTheModeThatWasChosen) {
  const AmpPlan plan = ChooseAmp(gpu_, AmpRequest::kAuto).value();
  ASSERT_NE(plan.mode, AmpMode::kOff);
  const at::Tensor matrix = at::ones({16, 16}, gpu_);
  const AutocastScope scope(gpu_, plan.mode);
  EXPECT_EQ(at::mm(matrix, matrix).scalar_type(),
            plan.mode == AmpMode::kBfloat16 ? at::kBFloat16 : at::kHalf);
}

TEST_F(GpuTest, NormalisesAsTheCpuDoes) {
  const at::Tensor images = at::arange(256, at::kLong).reshape({1, 1, 8, 32}).to(at::kByte);
  const at::Tensor bytes = images.expand({2, 3, 8, 32}).contiguous();
  const std::array<double, 3> mean = {0.485, 0.456, 0.406};
  const std::array<double, 3> std = {0.229, 0.224, 0.225};
  const at::Tensor on_cpu = ImageNormalizer(mean, std, at::Device(at::kCPU)).Apply(bytes);
  const at::Tensor on_gpu = ImageNormalizer(mean, std, gpu_).Apply(bytes);
  EXPECT_TRUE(on_gpu.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LT((on_cpu - on_gpu.cpu()).abs().max().item<double>(), 1e-6);
}

TEST_F(GpuTest, ARestoredGeneratorRepeatsItsNumbers) {
  SeedGenerators(7);
  const at::Tensor state = GeneratorState(gpu_);
  const at::Tensor first = at::randn({5}, gpu_);
  ASSERT_OK(SetGeneratorState(gpu_, state));
  EXPECT_TRUE(at::equal(first, at::randn({5}, gpu_)));
}

TEST_F(GpuTest, PeakMemoryCountsTensorsThatAreGoneToo) {
  constexpr int64_t kBytes = int64_t{256} << 20;
  { const at::Tensor tensor = at::zeros({kBytes}, at::TensorOptions(gpu_).dtype(at::kByte)); }
  EXPECT_GE(PeakMemoryBytes(gpu_), kBytes);
}

// In a process of its own, which has not used the GPU yet. Ends it: 0 = as it should be.
[[noreturn]] void UseMemoryUpToALimit(const at::Device& gpu) {
  constexpr int64_t kMebi = int64_t{1} << 20;
  const at::TensorOptions bytes = at::TensorOptions(gpu).dtype(at::kByte);
  if (const Status limited = LimitMemory(gpu, 512 * kMebi); !limited.ok()) {
    std::cerr << limited << '\n';
    std::exit(1);
  }
  at::Tensor within = at::empty({384 * kMebi}, bytes);
  try {
    within = at::cat({within, at::empty({256 * kMebi}, bytes)});
  } catch (const c10::OutOfMemoryError&) {
    std::exit(0);
  }
  std::cerr << "went beyond its limit\n";
  std::exit(2);
}

TEST_F(GpuTest, TensorsBeyondTheLimitRunOutOfMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(UseMemoryUpToALimit(gpu_), ::testing::ExitedWithCode(0), "");
}

TEST_F(GpuTest, AProcessThatUsesTheGpuCannotBeLimitedAnyMore) {
  (void)at::zeros({1}, gpu_);
  EXPECT_EQ(LimitMemory(gpu_, int64_t{1} << 30).code(), Code::kFailedPrecondition);
}

TEST_F(GpuTest, LimitMustBePositive) {
  EXPECT_EQ(LimitMemory(gpu_, 0).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace distill::core
