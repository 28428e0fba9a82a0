#include "core/eval/calibration.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

namespace distill::core {
namespace {

// Logits of two classes, the first of the given probability.
at::Tensor LogitsOfConfidence(const std::vector<double>& confidence) {
  const at::Tensor p = at::tensor(confidence, at::kDouble);
  return at::stack({p.log(), (1 - p).log()}, 1);
}

TEST(CalibrationTest, IsTheWeightedGapBetweenConfidenceAndAccuracyOfBins) {
  CalibrationAccumulator calibration(at::kCPU);

  // Bins (0.6, 0.667] and (0.867, 0.933]: one right of two at 0.64, three right of three at 0.9.
  calibration.Add(LogitsOfConfidence({0.64, 0.64, 0.9}), at::tensor({0, 1, 0}, at::kLong));
  calibration.Add(LogitsOfConfidence({0.9, 0.9}), at::tensor({0, 0}, at::kLong));

  EXPECT_NEAR(calibration.Error(), 2.0 / 5 * (0.64 - 0.5) + 3.0 / 5 * (1 - 0.9), 1e-12);
}

TEST(CalibrationTest, GapsOfOneBinCancelAndThoseOfTwoDoNot) {
  CalibrationAccumulator one(at::kCPU);
  one.Add(LogitsOfConfidence({0.61, 0.65}), at::tensor({0, 1}, at::kLong));
  EXPECT_NEAR(one.Error(), 0.63 - 0.5, 1e-12);

  CalibrationAccumulator two(at::kCPU);
  two.Add(LogitsOfConfidence({0.61, 0.71}), at::tensor({0, 1}, at::kLong));
  EXPECT_NEAR(two.Error(), (0.39 + 0.71) / 2, 1e-12);
}

TEST(CalibrationTest, OfNothingIsZeroAndOfCertaintyToo) {
  CalibrationAccumulator calibration(at::kCPU);
  EXPECT_EQ(calibration.Error(), 0);

  calibration.Add(at::eye(2) * 1000, at::tensor({0, 1}, at::kLong));
  EXPECT_EQ(calibration.Error(), 0);
}

}  // namespace
}  // namespace distill::core
