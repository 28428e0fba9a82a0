#include "core/train/training_counts.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/eval/metric_accumulator.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;

// What older versions kept of an epoch.
NamedTensors OlderState(const MetricAccumulator& counts) {
  const EvalCounts read = counts.Read();
  return {{"confusion", at::tensor(read.confusion, at::kLong)},
          {"num_top5", at::scalar_tensor(read.num_top5, at::kLong)},
          {"loss_sum", at::scalar_tensor(0.0, at::kDouble)}};
}

// Seven images of three classes, of which the third has none.
const at::Tensor& CountedLabels() {
  static const at::Tensor labels = at::tensor({0, 0, 0, 0, 1, 1, 1}, at::kLong);
  return labels;
}

at::Tensor LogitsForPredictions() {
  const at::Tensor predicted = at::tensor({0, 0, 0, 1, 1, 2, 2}, at::kLong);
  return at::one_hot(predicted, 3).to(at::kFloat);
}

TEST(TrainingCountsTest, SharesAreThoseOfTheWholeConfusionMatrix) {
  TrainingCounts counts(3, at::kCPU);
  MetricAccumulator whole(3, at::kCPU);
  EXPECT_EQ(counts.Read().accuracy, 0);

  counts.Add(LogitsForPredictions(), CountedLabels());
  whole.Add(LogitsForPredictions(), CountedLabels(), {});

  const TrainingCounts::Shares shares = counts.Read();
  EXPECT_EQ(shares.accuracy, 4.0 / 7.0);
  EXPECT_EQ(shares.mean_class_accuracy, (0.75 + 1.0 / 3.0) / 2);
  EXPECT_EQ(shares.accuracy, ComputeMetrics(whole.Read()).accuracy);
  EXPECT_EQ(shares.mean_class_accuracy, ComputeMetrics(whole.Read()).mean_class_accuracy);
  counts.Reset();
  EXPECT_EQ(counts.Read().accuracy, 0);
}

TEST(TrainingCountsTest, StateGrowsWithTheClassesNotWithTheirSquare) {
  int64_t numbers = 0;
  for (const NamedTensor& named : TrainingCounts(4103, at::kCPU).State()) {
    numbers += named.tensor.numel();
  }
  EXPECT_EQ(numbers, 2 * 4103);
}

TEST(TrainingCountsTest, GoOnFromACheckpointAlsoFromOneOfAnOlderVersion) {
  TrainingCounts straight(3, at::kCPU);
  MetricAccumulator older(3, at::kCPU);
  straight.Add(LogitsForPredictions(), CountedLabels());
  older.Add(LogitsForPredictions(), CountedLabels(), {});
  TrainingCounts from_new(3, at::kCPU);
  TrainingCounts from_old(3, at::kCPU);

  ASSERT_OK(from_new.Restore(straight.State()));
  ASSERT_OK(from_old.Restore(OlderState(older)));

  for (TrainingCounts* const resumed : {&from_new, &from_old}) {
    resumed->Add(LogitsForPredictions().flip(0), CountedLabels());
  }
  straight.Add(LogitsForPredictions().flip(0), CountedLabels());
  EXPECT_EQ(from_new.Read().mean_class_accuracy, straight.Read().mean_class_accuracy);
  EXPECT_EQ(from_old.Read().mean_class_accuracy, straight.Read().mean_class_accuracy);
  EXPECT_EQ(from_old.Read().accuracy, straight.Read().accuracy);
}

TEST(TrainingCountsTest, CountsOfOtherClassesAreRefused) {
  TrainingCounts counts(3, at::kCPU);
  EXPECT_THAT(counts.Restore(TrainingCounts(4, at::kCPU).State()),
              HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(counts.Restore(OlderState(MetricAccumulator(2, at::kCPU))),
              HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(counts.Restore({}), HasCode(Code::kFailedPrecondition));
}

}  // namespace
}  // namespace distill::core
