#include "core/loss/task_loss.h"

#include <gtest/gtest.h>

#include "tests/oracle/loss/goldens.h"
#include "tests/unit/core/loss/closed_form_inputs.h"

namespace distill::core {
namespace {

using testing::GradientNorm;
using testing::StudentLogits;

constexpr double kTaskLossTolerance = 1e-12;

BatchLabels Labels() {
  BatchLabels labels;
  labels.labels = at::tensor({0, 2, 4, 1}, at::kLong);
  return labels;
}

at::Tensor ClassWeights() { return 0.5 + 0.25 * at::arange(5, at::kDouble); }

TaskLossOptions OptionsOf(TaskLossKind kind) {
  TaskLossOptions options;
  options.kind = kind;
  return options;
}

struct LossCase {
  const char* name;
  TaskLossKind kind;
  bool is_weighted;
  double loss;
  double gradient_norm;
};

std::ostream& operator<<(std::ostream& stream, const LossCase& test) { return stream << test.name; }

class TaskLossTest : public ::testing::TestWithParam<LossCase> {};

// Values from tests/oracle/loss/make_goldens.py.
TEST_P(TaskLossTest, EqualsItsFormulaWithItsGradient) {
  const LossCase& expected = GetParam();
  const at::Tensor logits = StudentLogits().requires_grad_();
  const at::Tensor weights = expected.is_weighted ? ClassWeights() : at::Tensor();

  const at::Tensor loss = TaskLoss(logits, Labels(), weights, OptionsOf(expected.kind));

  EXPECT_NEAR(loss.item<double>(), expected.loss, kTaskLossTolerance);
  EXPECT_NEAR(GradientNorm(loss, logits), expected.gradient_norm, kTaskLossTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, TaskLossTest,
    ::testing::Values(
        LossCase{"CrossEntropy", TaskLossKind::kCrossEntropy, false, goldens::kCrossEntropy,
                 goldens::kCrossEntropyGradient},
        LossCase{"CrossEntropyWeighted", TaskLossKind::kCrossEntropy, true,
                 goldens::kCrossEntropyWeighted, goldens::kCrossEntropyWeightedGradient},
        LossCase{"Poly", TaskLossKind::kPoly, false, goldens::kPoly, goldens::kPolyGradient},
        LossCase{"PolyWeighted", TaskLossKind::kPoly, true, goldens::kPolyWeighted,
                 goldens::kPolyWeightedGradient},
        LossCase{"Focal", TaskLossKind::kFocal, false, goldens::kFocal, goldens::kFocalGradient},
        LossCase{"FocalWeighted", TaskLossKind::kFocal, true, goldens::kFocalWeighted,
                 goldens::kFocalWeightedGradient}),
    [](const auto& test) { return std::string(test.param.name); });

double LossOfSums(const at::Tensor& sums, double num_images) {
  const double weight = sums[1].item<double>();
  return (weight == 0 ? 0 : sums[0].item<double>() / weight) + sums[2].item<double>() / num_images;
}

TEST_P(TaskLossTest, SumsOverBatchesOfAnySizesGiveTheLossOfAll) {
  const LossCase& expected = GetParam();
  const at::Tensor logits = StudentLogits();
  const at::Tensor weights = expected.is_weighted ? ClassWeights() : at::Tensor();
  const TaskLossOptions options = OptionsOf(expected.kind);
  for (const int64_t first : {1, 2, 4}) {
    at::Tensor sums = at::zeros({3}, at::kDouble);
    for (int64_t begin = 0; begin < 4; begin += first) {
      sums += TaskLossSums(logits.slice(0, begin, begin + first),
                           Labels().labels.slice(0, begin, begin + first), weights, options);
    }
    EXPECT_NEAR(LossOfSums(sums, 4), expected.loss, kTaskLossTolerance);
  }
}

TEST(TaskLossTest, SumsOfImagesOfClassesWithoutWeightAreNumbers) {
  const at::Tensor weights = at::tensor({0.0, 0.0, 1.0, 1.0, 1.0}, at::kDouble);
  TaskLossOptions options;
  options.label_smoothing = 0;
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);

  const at::Tensor sums = TaskLossSums(StudentLogits().slice(0, 0, 2), labels, weights, options);

  EXPECT_TRUE(at::equal(sums, at::zeros({3}, at::kDouble)));
}

// Value from the reference's survey of golden losses (float64, closed-form inputs).
TEST(TaskLossTest, PlainCrossEntropyEqualsThePublishedGoldenValue) {
  TaskLossOptions options;
  options.label_smoothing = 0.0;
  const at::Tensor logits = StudentLogits().requires_grad_();

  const at::Tensor loss = TaskLoss(logits, Labels(), {}, options);

  EXPECT_NEAR(loss.item<double>(), 3.279171693217, 1e-9);
  EXPECT_NEAR(GradientNorm(loss, logits), 0.564543546566, 1e-9);
}

TEST(TaskLossTest, FocalTakesAnyGamma) {
  TaskLossOptions options = OptionsOf(TaskLossKind::kFocal);
  options.focal_gamma = 1.5;
  const at::Tensor logits = StudentLogits().requires_grad_();

  const at::Tensor loss = TaskLoss(logits, Labels(), {}, options);

  EXPECT_NEAR(loss.item<double>(), goldens::kFocalGammaOneAndHalf, kTaskLossTolerance);
  EXPECT_NEAR(GradientNorm(loss, logits), goldens::kFocalGammaOneAndHalfGradient,
              kTaskLossTolerance);
}

TEST(TaskLossTest, FocalOfACertainPredictionHasFiniteGradients) {
  TaskLossOptions options = OptionsOf(TaskLossKind::kFocal);
  options.focal_gamma = 0.5;
  options.label_smoothing = 0.0;
  const at::Tensor logits = at::tensor({100.0, 0.0, 0.0}).view({1, 3}).requires_grad_();
  BatchLabels labels;
  labels.labels = at::zeros({1}, at::kLong);

  TaskLoss(logits, labels, {}, options).backward();

  EXPECT_TRUE(at::isfinite(logits.grad()).all().item<bool>());
}

TEST(TaskLossTest, MixedLabelsWeighBothLossesByTheirShare) {
  BatchLabels labels = Labels();
  labels.mixed_labels = at::tensor({3, 3, 0, 2}, at::kLong);
  labels.lambda = 0.3;
  const at::Tensor logits = StudentLogits().requires_grad_();

  const at::Tensor loss = TaskLoss(logits, labels, ClassWeights(), TaskLossOptions());

  EXPECT_NEAR(loss.item<double>(), goldens::kMixedCrossEntropy, kTaskLossTolerance);
  EXPECT_NEAR(GradientNorm(loss, logits), goldens::kMixedCrossEntropyGradient, kTaskLossTolerance);
}

TEST(TaskLossTest, LabelsOfTheLargerShareAreDominant) {
  BatchLabels labels = Labels();
  labels.mixed_labels = at::tensor({3, 3, 0, 2}, at::kLong);
  labels.lambda = 0.3;
  EXPECT_TRUE(labels.dominant().equal(labels.mixed_labels));

  labels.lambda = 0.7;
  EXPECT_TRUE(labels.dominant().equal(labels.labels));
}

TEST(TaskLossTest, HalfLogitsAreLiftedToFloat32) {
  const at::Tensor loss =
      TaskLoss(StudentLogits().to(at::kBFloat16), Labels(), ClassWeights(), TaskLossOptions());

  EXPECT_EQ(loss.scalar_type(), at::kFloat);
}

// By hand: n = 100, C = 3; sqrt(100 / (3 * 10)), sqrt(100 / (3 * 90)), and nothing for no images.
TEST(TaskLossTest, ClassBalanceGivesRareClassesMoreWeight) {
  const at::Tensor weights = ClassBalanceWeights({10, 90, 0});

  EXPECT_FLOAT_EQ(weights[0].item<float>(), 1.8257418583505538F);
  EXPECT_FLOAT_EQ(weights[1].item<float>(), 0.6085806194501846F);
  EXPECT_EQ(weights[2].item<float>(), 0.0F);
}

}  // namespace
}  // namespace distill::core
