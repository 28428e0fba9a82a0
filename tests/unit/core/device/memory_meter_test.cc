#include "core/device/memory_meter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

TEST(MemoryMeterTest, CountsWhatIsAllocatedLessWhatIsFreed) {
  const at::Tensor before = at::zeros({1000});
  const MemoryMeter meter;

  at::Tensor kept = at::zeros({1024}, at::kDouble);
  EXPECT_EQ(meter.live_bytes(), 8 * 1024);
  { const at::Tensor passing = at::zeros({4096}); }
  EXPECT_EQ(meter.live_bytes(), 8 * 1024);
  kept.reset();
  EXPECT_EQ(meter.live_bytes(), 0);
}

TEST(MemoryMeterTest, CountsNothingOnceItIsGone) {
  { const MemoryMeter first; }
  const MemoryMeter second;
  const at::Tensor tensor = at::zeros({256});

  EXPECT_EQ(second.live_bytes(), 4 * 256);
}

}  // namespace
}  // namespace distill::core
