#include "server/rpc/submit_rate.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_clock.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

TEST(SubmitRateTest, AMinutesWorthMayComeAtOnceAndNoMore) {
  testing::FakeClock clock;
  SubmitRate rate(60, clock);

  EXPECT_THAT(rate.Take("ada", 59), IsOk());
  EXPECT_THAT(rate.Take("ada", 1), IsOk());
  EXPECT_THAT(rate.Take("ada", 1),
              StatusIs(Code::kResourceExhausted, HasSubstr("60 new jobs a minute")));
}

TEST(SubmitRateTest, TheAllowanceFillsUpEvenly) {
  testing::FakeClock clock;
  SubmitRate rate(60, clock);
  ASSERT_THAT(rate.Take("ada", 60), IsOk());

  EXPECT_THAT(rate.Take("ada", 2),
              StatusIs(Code::kResourceExhausted, HasSubstr("try again in 2 s")));
  clock.Advance(std::chrono::seconds(2));
  EXPECT_THAT(rate.Take("ada", 2), IsOk());
  EXPECT_THAT(rate.Take("ada", 1), HasCode(Code::kResourceExhausted));
  clock.Advance(std::chrono::hours(1));
  EXPECT_THAT(rate.Take("ada", 60), IsOk());
  EXPECT_THAT(rate.Take("ada", 1), HasCode(Code::kResourceExhausted));
}

TEST(SubmitRateTest, EachUserHasAnAllowanceOfTheirOwn) {
  testing::FakeClock clock;
  SubmitRate rate(1, clock);
  ASSERT_THAT(rate.Take("ada", 1), IsOk());

  EXPECT_THAT(rate.Take("bob", 1), IsOk());
}

TEST(SubmitRateTest, WhatWasRefusedIsNotTaken) {
  testing::FakeClock clock;
  SubmitRate rate(10, clock);
  ASSERT_THAT(rate.Take("ada", 5), IsOk());

  EXPECT_THAT(rate.Take("ada", 6), HasCode(Code::kResourceExhausted));
  EXPECT_THAT(rate.Take("ada", 5), IsOk());
}

TEST(SubmitRateTest, MoreThanAMinutesWorthIsNeverAllowed) {
  testing::FakeClock clock;
  SubmitRate rate(10, clock);

  EXPECT_THAT(rate.Take("ada", 11), StatusIs(Code::kResourceExhausted, HasSubstr("11 at once")));
}

TEST(SubmitRateTest, ZeroIsNoLimit) {
  testing::FakeClock clock;
  SubmitRate rate(0, clock);

  EXPECT_THAT(rate.Take("ada", 1'000'000), IsOk());
}

}  // namespace
}  // namespace distill::server
