#include "core/device/host_tuning.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace distill::core {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

int64_t NumPageFaults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(HostTuningTest, FreedTensorsAreReusedWithoutFaultingTheirPagesInAgain) {
  if (!KeepFreedMemory()) GTEST_SKIP() << "not glibc";
  constexpr int kSettlingSteps = 20;                               // see KeepFreedMemory()
  const auto allocate = [] { (void)at::ones({20, 1024, 1024}); };  // 80 MB: over glibc's threshold
  for (int step = 0; step < kSettlingSteps; ++step) allocate();

  const int64_t before = NumPageFaults();
  for (int step = 0; step < 10; ++step) allocate();

  EXPECT_LT(NumPageFaults() - before, 1000);  // pages of 4 KiB would be 204,800
}

TEST(HostTuningTest, TheProbeMeasuresSomething) { EXPECT_GT(MeasureMatrixProductGflops(), 0); }

TEST(HostTuningTest, OnlyASlowBlasIsWarnedOf) {
  EXPECT_THAT(SlowBlasWarning(4.4), HasSubstr("4 GFLOP/s"));
  EXPECT_THAT(SlowBlasWarning(60), IsEmpty());
}

}  // namespace
}  // namespace distill::core
