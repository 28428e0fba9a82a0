#include "core/eval/metrics.h"

#include <gtest/gtest.h>

namespace distill::core {
namespace {

constexpr double kTolerance = 1e-12;

// Three classes, ten images, worked out by hand with scikit-learn's definitions:
//            taken for 0  1  2
//   class 0            3  1  0
//   class 1            1  2  1
//   class 2            0  0  2
EvalCounts TenImages() {
  EvalCounts counts;
  counts.num_classes = 3;
  counts.confusion = {3, 1, 0, 1, 2, 1, 0, 0, 2};
  counts.num_top5 = 9;
  counts.loss_sum = 12.5;
  return counts;
}

TEST(MetricsTest, OverallFiguresEqualThoseWorkedOutByHand) {
  const EvalMetrics metrics = ComputeMetrics(TenImages());

  EXPECT_EQ(metrics.num_images, 10);
  EXPECT_NEAR(metrics.accuracy, 0.7, kTolerance);
  EXPECT_NEAR(metrics.top5_accuracy, 0.9, kTolerance);
  EXPECT_NEAR(metrics.loss, 1.25, kTolerance);
  // Recalls 3/4, 2/4, 2/2.
  EXPECT_NEAR(metrics.mean_class_accuracy, 0.75, kTolerance);
  EXPECT_NEAR(metrics.macro_recall, 0.75, kTolerance);
  // Precisions 3/4, 2/3, 2/3.
  EXPECT_NEAR(metrics.macro_precision, 25.0 / 36, kTolerance);
  // F1 6/8, 4/7, 4/5.
  EXPECT_NEAR(metrics.macro_f1, (0.75 + 4.0 / 7 + 0.8) / 3, kTolerance);
  // Chance: (4*4 + 4*3 + 2*3) / 100 = 0.34.
  EXPECT_NEAR(metrics.kappa, (0.7 - 0.34) / (1 - 0.34), kTolerance);
}

TEST(MetricsTest, ClassFiguresEqualThoseWorkedOutByHand) {
  const EvalMetrics metrics = ComputeMetrics(TenImages());

  ASSERT_EQ(metrics.classes.size(), 3U);
  const ClassMetrics& second = metrics.classes[1];
  EXPECT_EQ(second.num_images, 4);
  EXPECT_EQ(second.num_predicted, 3);
  EXPECT_EQ(second.num_correct, 2);
  EXPECT_NEAR(second.precision, 2.0 / 3, kTolerance);
  EXPECT_NEAR(second.recall, 0.5, kTolerance);
  EXPECT_NEAR(second.f1, 4.0 / 7, kTolerance);
}

TEST(MetricsTest, ClassThatIsNeverPredictedCountsWithPrecisionZero) {
  EvalCounts counts;
  counts.num_classes = 2;
  counts.confusion = {3, 0, 1, 0};

  const EvalMetrics metrics = ComputeMetrics(counts);

  EXPECT_EQ(metrics.classes[1].precision, 0.0);
  EXPECT_EQ(metrics.classes[1].f1, 0.0);
  EXPECT_NEAR(metrics.macro_precision, 0.375, kTolerance);
  EXPECT_NEAR(metrics.mean_class_accuracy, 0.5, kTolerance);
}

TEST(MetricsTest, ClassWithoutImagesIsLeftOutOfMpaButCountsInMacroWhenPredicted) {
  EvalCounts counts;
  counts.num_classes = 3;  // the third occurs nowhere
  counts.confusion = {3, 1, 0, 0, 0, 0, 0, 0, 0};

  const EvalMetrics metrics = ComputeMetrics(counts);

  EXPECT_NEAR(metrics.mean_class_accuracy, 0.75, kTolerance);
  EXPECT_NEAR(metrics.macro_recall, 0.375, kTolerance);
}

TEST(MetricsTest, OneClassThroughoutHasKappaZero) {
  EvalCounts counts;
  counts.num_classes = 2;
  counts.confusion = {5, 0, 0, 0};

  EXPECT_EQ(ComputeMetrics(counts).accuracy, 1.0);
  EXPECT_EQ(ComputeMetrics(counts).kappa, 0.0);
}

TEST(MetricsTest, NoImagesGiveZeros) {
  EvalCounts counts;
  counts.num_classes = 2;
  counts.confusion = {0, 0, 0, 0};

  const EvalMetrics metrics = ComputeMetrics(counts);

  EXPECT_EQ(metrics.num_images, 0);
  EXPECT_EQ(metrics.accuracy, 0.0);
  EXPECT_EQ(metrics.loss, 0.0);
  EXPECT_EQ(metrics.macro_f1, 0.0);
}

}  // namespace
}  // namespace distill::core
