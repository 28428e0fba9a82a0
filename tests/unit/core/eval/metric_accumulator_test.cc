#include "core/eval/metric_accumulator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

using ::testing::ElementsAre;

// Logits whose highest is at the given classes.
at::Tensor LogitsFor(const std::vector<int64_t>& predictions, int64_t num_classes) {
  return at::one_hot(at::tensor(predictions, at::kLong), num_classes).to(at::kFloat);
}

TEST(MetricAccumulatorTest, CountsTruthByRowAndPredictionByColumnOverBatches) {
  MetricAccumulator accumulator(3, at::kCPU);

  accumulator.Add(LogitsFor({0, 1, 1}, 3), at::tensor({0, 1, 2}, at::kLong), {});
  accumulator.Add(LogitsFor({1, 2}, 3), at::tensor({2, 0}, at::kLong), {});

  EXPECT_THAT(accumulator.Read().confusion, ElementsAre(1, 0, 1, 0, 1, 0, 0, 2, 0));
}

// As TaskLossSums() gives them: a weighted sum, its weight, a plain sum.
at::Tensor Sums(double weighted, double weight, double plain) {
  return at::tensor({weighted, weight, plain}, at::kDouble);
}

TEST(MetricAccumulatorTest, LossIsDividedOnceByAllWeightsAndImages) {
  MetricAccumulator accumulator(2, at::kCPU);

  accumulator.Add(LogitsFor({0, 0, 0}, 2), at::zeros({3}, at::kLong), Sums(6, 3, 1));
  accumulator.Add(LogitsFor({0}, 2), at::zeros({1}, at::kLong), Sums(1, 0.5, 7));

  EXPECT_EQ(ComputeMetrics(accumulator.Read()).loss, 7 / 3.5 + 8 / 4.0);
}

TEST(MetricAccumulatorTest, ABatchWithoutWeightAddsNothingAndAPassWithoutAnyHasNoLoss) {
  MetricAccumulator accumulator(2, at::kCPU);
  accumulator.Add(LogitsFor({0}, 2), at::zeros({1}, at::kLong), Sums(0, 0, 0));
  EXPECT_EQ(ComputeMetrics(accumulator.Read()).loss, 0);

  accumulator.Add(LogitsFor({0}, 2), at::zeros({1}, at::kLong), Sums(3, 2, 0));

  EXPECT_EQ(ComputeMetrics(accumulator.Read()).loss, 1.5);
}

TEST(MetricAccumulatorTest, TopFiveCountsLabelsAmongTheFiveHighest) {
  MetricAccumulator accumulator(7, at::kCPU);
  const at::Tensor falling = at::arange(7, 0, -1, at::kFloat).view({1, 7}).expand({2, 7});

  accumulator.Add(falling, at::tensor({4, 5}, at::kLong), {});

  EXPECT_EQ(accumulator.Read().num_top5, 1);
}

TEST(MetricAccumulatorTest, WithFewClassesEveryLabelIsInTheTopFive) {
  MetricAccumulator accumulator(3, at::kCPU);

  accumulator.Add(LogitsFor({0, 0}, 3), at::tensor({2, 1}, at::kLong), {});

  EXPECT_EQ(accumulator.Read().num_top5, 2);
}

TEST(MetricAccumulatorTest, HalfLogitsWithGradientsAreCountedToo) {
  MetricAccumulator accumulator(3, at::kCPU);
  const at::Tensor logits = LogitsFor({2}, 3).to(at::kBFloat16).requires_grad_();

  accumulator.Add(logits, at::tensor({2}, at::kLong),
                  at::stack({logits.sum(), logits.sum(), 0 * logits.sum()}));

  EXPECT_EQ(ComputeMetrics(accumulator.Read()).accuracy, 1.0);
  EXPECT_EQ(ComputeMetrics(accumulator.Read()).loss, 1.0);
}

TEST(MetricAccumulatorTest, ResetForgetsEverything) {
  MetricAccumulator accumulator(2, at::kCPU);
  accumulator.Add(LogitsFor({0}, 2), at::zeros({1}, at::kLong), Sums(2, 1, 3));

  accumulator.Reset();

  const EvalCounts counts = accumulator.Read();
  EXPECT_THAT(counts.confusion, ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(counts.num_top5, 0);
  EXPECT_EQ(counts.weighted_loss_sum, 0.0);
  EXPECT_EQ(counts.loss_weight, 0.0);
  EXPECT_EQ(counts.loss_sum, 0.0);
}

}  // namespace
}  // namespace distill::core
