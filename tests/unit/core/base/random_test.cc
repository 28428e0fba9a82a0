#include "core/base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace distill {
namespace {

TEST(RandomTest, StreamIsAFunctionOfItsPlaceAlone) {
  Random first = Random::For(/*seed=*/1, /*epoch=*/2, /*index=*/3);
  Random again = Random::For(1, 2, 3);
  Random elsewhere = Random::For(1, 2, 4);

  EXPECT_EQ(first(), again());
  EXPECT_NE(first(), elsewhere());
}

TEST(RandomTest, BelowCoversItsRangeEvenly) {
  Random random(7);
  std::array<int, 6> counts{};
  constexpr int kDraws = 60'000;

  for (int i = 0; i < kDraws; ++i) ++counts.at(random.Below(6));

  // 5 standard deviations of a binomial(60000, 1/6) are about 456.
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 6, 456);
}

}  // namespace
}  // namespace distill
