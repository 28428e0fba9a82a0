#include "core/train/epoch_sums.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace distill::core {
namespace {

at::Tensor Values(float total, float part) { return at::tensor({total, part}); }

TEST(EpochSumsTest, MeanWeighsBatchesByTheirImages) {
  EpochSums sums({"total", "part"}, at::kCPU);

  sums.Add(Values(1, 10), /*num_images=*/3, /*step=*/1);
  sums.Add(Values(5, 20), 1, 2);

  // (3 * 1 + 1 * 5) / 4 and (3 * 10 + 1 * 20) / 4.
  EXPECT_DOUBLE_EQ(sums.Means().at("total"), 2);
  EXPECT_DOUBLE_EQ(sums.Means().at("part"), 12.5);
  EXPECT_FALSE(sums.FirstNonFinite());
}

TEST(EpochSumsTest, FirstNonFiniteStepIsNamedByItsPart) {
  EpochSums sums({"total", "part"}, at::kCPU);
  const float nan = std::numeric_limits<float>::quiet_NaN();

  sums.Add(Values(1, 1), 1, 7);
  sums.Add(Values(nan, nan), 1, 8);
  sums.Add(Values(nan, 1), 1, 9);

  ASSERT_TRUE(sums.FirstNonFinite());
  EXPECT_EQ(sums.FirstNonFinite()->name, "part");
  EXPECT_EQ(sums.FirstNonFinite()->step, 8);
}

TEST(EpochSumsTest, RestoredSumsGoOn) {
  EpochSums sums({"total", "part"}, at::kCPU);
  sums.Add(Values(1, 2), 2, 1);
  EpochSums restored({"total", "part"}, at::kCPU);

  restored.Restore(sums.State(), sums.num_images());
  restored.Add(Values(4, 2), 1, 2);

  EXPECT_DOUBLE_EQ(restored.Means().at("total"), 2);
}

}  // namespace
}  // namespace distill::core
