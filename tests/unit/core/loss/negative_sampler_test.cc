#include "core/loss/negative_sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace distill::core {
namespace {

// Classes in no order: 0 has four images, 1 three, 3 two; 2 has none.
const std::vector<int64_t> kClasses = {0, 3, 1, 0, 1, 0, 3, 1, 0};

TEST(NegativeSamplerTest, RowsBeginWithTheImageAndHoldOthersOfOtherClassesOnceEach) {
  const NegativeSampler sampler(kClasses);
  const at::Tensor images = at::arange(9, at::kLong);

  const at::Tensor drawn = sampler.Draw(images, 5, 7);

  ASSERT_EQ(drawn.sizes(), (std::vector<int64_t>{9, 6}));
  for (int64_t i = 0; i < 9; ++i) {
    const int64_t* row = drawn.data_ptr<int64_t>() + 6 * i;
    EXPECT_EQ(row[0], i);
    const std::set<int64_t> others(row + 1, row + 6);
    EXPECT_EQ(others.size(), 5U) << "image " << i;
    for (const int64_t other : others) {
      EXPECT_NE(kClasses[static_cast<size_t>(other)], kClasses[static_cast<size_t>(i)]);
    }
  }
}

TEST(NegativeSamplerTest, AllOfAPoolAreDrawnEquallyOften) {
  const NegativeSampler sampler(kClasses);
  std::map<int64_t, int> counts;
  constexpr int kRounds = 6000;
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    const at::Tensor drawn = sampler.Draw(at::zeros({1}, at::kLong), 2, seed);
    for (int64_t j = 1; j < 3; ++j) ++counts[drawn[0][j].item<int64_t>()];
  }

  // Five images, two of them each time: 2400 each, with a deviation below 40.
  ASSERT_EQ(counts.size(), 5U);
  for (const auto& [image, count] : counts) EXPECT_NEAR(count, 2400, 200) << image;
}

TEST(NegativeSamplerTest, ImagesRepeatWhereThereAreTooFew) {
  const NegativeSampler sampler(kClasses);

  const at::Tensor drawn = sampler.Draw(at::zeros({1}, at::kLong), 50, 1);

  for (int64_t j = 1; j <= 50; ++j) {
    EXPECT_NE(kClasses[static_cast<size_t>(drawn[0][j].item<int64_t>())], 0);
  }
}

TEST(NegativeSamplerTest, IsAFunctionOfItsSeed) {
  const NegativeSampler sampler(kClasses);
  const at::Tensor images = at::arange(9, at::kLong);

  EXPECT_TRUE(at::equal(sampler.Draw(images, 4, 3), sampler.Draw(images, 4, 3)));
  EXPECT_FALSE(at::equal(sampler.Draw(images, 4, 3), sampler.Draw(images, 4, 4)));
}

}  // namespace
}  // namespace distill::core
