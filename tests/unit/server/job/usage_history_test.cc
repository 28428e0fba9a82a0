#include "server/job/usage_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr std::chrono::milliseconds kHalfLife{1'000'000};

TEST(UsageHistoryTest, SecondCountsHalfAsMuchAHalfLifeLater) {
  // A short stretch, so that its own decay is small.
  const double now = DecayedSeconds(0, 1'000, 1'000, kHalfLife);
  EXPECT_NEAR(now, 1, 1e-3);
  EXPECT_NEAR(DecayedSeconds(0, 1'000, 1'001'000, kHalfLife), now / 2, 1e-12);
}

TEST(UsageHistoryTest, LongUseApproachesTheMeanLifeOfASecond) {
  // The integral of 2^(-t/H) from 0 to infinity is H / ln 2.
  EXPECT_NEAR(DecayedSeconds(-100'000'000, 0, 0, kHalfLife), 1'000 / std::log(2.0), 1e-6);
}

TEST(UsageHistoryTest, FutureDoesNotCount) {
  EXPECT_EQ(DecayedSeconds(10, 20, 10, kHalfLife), 0);
  EXPECT_EQ(DecayedSeconds(0, 2'000, 1'000, kHalfLife), DecayedSeconds(0, 1'000, 1'000, kHalfLife));
}

TEST(UsageHistoryTest, StretchesAddUpInWhateverOrderTheyCome) {
  UsageHistory history(kHalfLife);
  history.Add({"ann", "cpu", 5'000, 900'000}, 900'000);
  history.Add({"ann", "cpu", 0, 4'000}, 900'000);

  EXPECT_NEAR(history.SecondsOf("ann", 2'000'000),
              DecayedSeconds(5'000, 900'000, 2'000'000, kHalfLife) +
                  DecayedSeconds(0, 4'000, 2'000'000, kHalfLife),
              1e-9);
  EXPECT_EQ(history.SecondsOf("bob", 2'000'000), 0);
}

TEST(UsageHistoryTest, LastUseIsTheNewestEndOnEachDevice) {
  UsageHistory history(kHalfLife);
  history.Add({"ann", "GPU-a", 6, 7}, 9);
  history.Add({"ann", "GPU-a", 3, 5}, 9);
  history.Add({"ann", "GPU-b", 4, 9}, 9);

  EXPECT_THAT(history.LastUses("ann"), ElementsAre(Pair("GPU-a", 7), Pair("GPU-b", 9)));
}

TEST(UsageHistoryTest, OfAStretchThatEndsInTheFutureOnlyWhatHasBeenCounts) {
  UsageHistory history(kHalfLife);
  history.Add({"ann", "cpu", 0, 4'000'000'000}, 1'000'000);
  history.Add({"ann", "gpu", 3'000'000'000, 4'000'000'000}, 1'000'000);

  EXPECT_NEAR(history.SecondsOf("ann", 1'000'000),
              DecayedSeconds(0, 1'000'000, 1'000'000, kHalfLife), 1e-9);
  EXPECT_THAT(history.LastUses("ann"), ElementsAre(Pair("cpu", 1'000'000), Pair("gpu", 1'000'000)));
}

TEST(UsageHistoryTest, WhatIsUsedAfterTheClockWasAheadCountsAsIfTheFormerHadEndedThen) {
  UsageHistory history(kHalfLife);
  history.Add({"ann", "cpu", 3'999'000'000, 4'000'000'000}, 4'000'000'000);
  const double before = history.SecondsOf("ann", 4'000'000'000);

  history.Add({"ann", "cpu", 900'000, 1'000'000}, 1'000'000);

  EXPECT_NEAR(history.SecondsOf("ann", 1'000'000),
              before + DecayedSeconds(900'000, 1'000'000, 1'000'000, kHalfLife), 1e-9);
  EXPECT_EQ(history.NewestOf("ann"), 1'000'000);
  EXPECT_THAT(history.LastUses("ann"), ElementsAre(Pair("cpu", 1'000'000)));
}

TEST(UsageHistoryTest, AMomentBeforeTheUseCountsItInFullAndNoMore) {
  UsageHistory history(kHalfLife);
  history.Add({"ann", "cpu", 3'999'000'000, 4'000'000'000}, 4'000'000'000);

  EXPECT_EQ(history.SecondsOf("ann", 0), history.SecondsOf("ann", 4'000'000'000));
}

}  // namespace
}  // namespace distill::server
