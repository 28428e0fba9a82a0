#include "core/loss/r_drop.h"

#include <gtest/gtest.h>

#include "tests/oracle/loss/goldens.h"
#include "tests/unit/core/loss/closed_form_inputs.h"

namespace distill::core {
namespace {

constexpr double kRDropTolerance = 1e-12;

// Values from tests/oracle/loss/make_goldens.py.
TEST(RDropTest, SumEqualsItsFormulaWithBothGradients) {
  const at::Tensor first = testing::StudentLogits().requires_grad_();
  const at::Tensor second = testing::TeacherLogits().requires_grad_();

  const at::Tensor penalty = RDropPenalty(first, second, RDropOptions());

  EXPECT_NEAR(penalty.item<double>(), goldens::kRDropSum, kRDropTolerance);
  EXPECT_NEAR(testing::GradientNorm(penalty, first), goldens::kRDropSumGradient, kRDropTolerance);
  EXPECT_NEAR(second.grad().norm().item<double>(), goldens::kRDropSumSecondGradient,
              kRDropTolerance);
}

TEST(RDropTest, BatchMeanEqualsItsFormulaWithBothGradients) {
  RDropOptions options;
  options.reduction = RDropReduction::kBatchMean;
  const at::Tensor first = testing::StudentLogits().requires_grad_();
  const at::Tensor second = testing::TeacherLogits().requires_grad_();

  const at::Tensor penalty = RDropPenalty(first, second, options);

  EXPECT_NEAR(penalty.item<double>(), goldens::kRDropBatchMean, kRDropTolerance);
  EXPECT_NEAR(testing::GradientNorm(penalty, first), goldens::kRDropBatchMeanGradient,
              kRDropTolerance);
  EXPECT_NEAR(second.grad().norm().item<double>(), goldens::kRDropBatchMeanSecondGradient,
              kRDropTolerance);
}

TEST(RDropTest, EqualForwardsCostNothing) {
  const at::Tensor logits = testing::StudentLogits();

  EXPECT_EQ(RDropPenalty(logits, logits.clone(), RDropOptions()).item<double>(), 0.0);
}

TEST(RDropTest, ExtremeLogitsStayFinite) {
  const at::Tensor first = at::tensor({1000.0F, -1000.0F}).view({1, 2});

  const at::Tensor penalty = RDropPenalty(first, -first, RDropOptions());

  // 0.3 / 2 * (1 * 2000 + 1 * 2000).
  EXPECT_FLOAT_EQ(penalty.item<float>(), 600.0F);
}

}  // namespace
}  // namespace distill::core
