#include "server/job/future_moments.h"

#include <gtest/gtest.h>

namespace distill::server {
namespace {

struct TwoClocks final : Clock {
  int64_t UnixMillis() const override { return unix_ms; }
  int64_t MonotonicMillis() const override { return monotonic_ms; }
  void Pass(int64_t ms) {
    unix_ms += ms;
    monotonic_ms += ms;
  }
  int64_t unix_ms = 1'000'000;
  int64_t monotonic_ms = 50;
};

TEST(FutureMomentsTest, WhatHasBeenStaysAsItIs) {
  const TwoClocks clock;
  FutureMoments moments(clock);
  EXPECT_EQ(moments.Past(999'999), 999'999);
  EXPECT_EQ(moments.Past(1'000'000), 1'000'000);
}

TEST(FutureMomentsTest, WhatIsToComeGrowsOldSinceItWasNoticedAlsoOnceItHasBeen) {
  TwoClocks clock;
  FutureMoments moments(clock);
  EXPECT_EQ(moments.Past(1'500'000), 1'000'000);
  clock.Pass(100'000);
  EXPECT_EQ(moments.Past(1'500'000), 1'000'000);
  clock.Pass(900'000);
  EXPECT_EQ(moments.Past(1'500'000), 1'000'000);
}

TEST(FutureMomentsTest, AClockThatWasBehindForAWhileLeavesNoTrace) {
  TwoClocks clock;
  FutureMoments moments(clock);
  clock.unix_ms = 0;
  EXPECT_EQ(moments.Past(900'000), 0);
  clock.Pass(1'000);
  clock.unix_ms = 1'001'000;
  EXPECT_EQ(moments.Past(900'000), 900'000);
}

}  // namespace
}  // namespace distill::server
