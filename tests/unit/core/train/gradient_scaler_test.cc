#include "core/train/gradient_scaler.h"

#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using distill::testing::HasCode;
using distill::testing::IsOk;

TEST(GradientScalerTest, OverflowHalvesTheScaleAndSkipsTheStep) {
  GradientScaler scaler;
  EXPECT_EQ(scaler.scale(), 65536.0);

  EXPECT_FALSE(scaler.Update(/*gradients_are_finite=*/false));

  EXPECT_EQ(scaler.scale(), 32768.0);
}

TEST(GradientScalerTest, TwoThousandGoodStepsInARowDoubleTheScale) {
  GradientScaler scaler;
  for (int i = 0; i < 1999; ++i) EXPECT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale(), 65536.0);

  EXPECT_TRUE(scaler.Update(true));

  EXPECT_EQ(scaler.scale(), 131072.0);
}

TEST(GradientScalerTest, OverflowStartsTheCountAnew) {
  GradientScaler scaler;
  for (int i = 0; i < 1999; ++i) scaler.Update(true);
  scaler.Update(false);
  for (int i = 0; i < 1999; ++i) scaler.Update(true);

  EXPECT_EQ(scaler.scale(), 32768.0);
}

TEST(GradientScalerTest, RestoredStateGoesOnWhereItWas) {
  GradientScaler first;
  for (int i = 0; i < 1999; ++i) first.Update(true);
  GradientScaler second;

  ASSERT_OK(second.Restore(first.state()));
  second.Update(true);

  EXPECT_EQ(second.scale(), 131072.0);
}

TEST(GradientScalerTest, ImpossibleStateIsRefusedAndChangesNothing) {
  GradientScaler scaler;
  GradientScalerState state;
  state.scale = 0.0;

  EXPECT_THAT(scaler.Restore(state), HasCode(Code::kInvalidArgument));
  EXPECT_EQ(scaler.scale(), 65536.0);
}

}  // namespace
}  // namespace distill::core
