#include "core/train/gradient_shares.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

double ShareOf(const at::Tensor& shares, int64_t part) { return shares[part].item<double>(); }

TEST(GradientSharesTest, IsTheNormOfAPartOverTheSumOfAllAtItsOutput) {
  const at::Tensor weight = at::ones({2}, at::kDouble).requires_grad_();
  const at::Tensor features = weight * at::tensor({1.0, 2.0}, at::kDouble);
  const at::Tensor logits = features * 2;
  // At the logits: task (3, 4), norm 5; term (0, 5), norm 5. At the features: task 10, first 10,
  // second (6, 8), norm 10.
  const at::Tensor task = (logits * at::tensor({3.0, 4.0}, at::kDouble)).sum();
  const at::Tensor of_logits = (logits * at::tensor({0.0, 5.0}, at::kDouble)).sum();
  const at::Tensor of_features = (features * at::tensor({6.0, 8.0}, at::kDouble)).sum();

  const at::Tensor shares = MeasureGradientShares(
      {{task, {}}, {of_logits, logits}, {of_features, features}}, /*scale=*/1);

  EXPECT_NEAR(ShareOf(shares, 0), 0.5, 1e-6);
  EXPECT_NEAR(ShareOf(shares, 1), 1.0 / 3, 1e-6);
}

TEST(GradientSharesTest, LeavesParametersAndTheGraphAsTheyWere) {
  const at::Tensor weight = at::ones({2}, at::kDouble).requires_grad_();
  const at::Tensor logits = weight * 3;
  const at::Tensor task = logits.square().sum();
  const at::Tensor term = logits.sum();

  MeasureGradientShares({{task, {}}, {term, logits}}, 1);

  EXPECT_FALSE(weight.grad().defined());
  (task + term).backward();
  // d/dw of (3w)^2 + 3w = 18w + 3.
  EXPECT_TRUE(at::allclose(weight.grad(), at::full({2}, 21.0, at::kDouble)));
}

TEST(GradientSharesTest, TermsInAnyOrderHaveTheSharesThatTheyHaveAlone) {
  const at::Tensor features = at::ones({2}, at::kDouble).requires_grad_() * 1;
  const at::Tensor logits = features * 2;
  const auto weighted = [](const at::Tensor& seen, double first, double second) {
    return LossPart{(seen * at::tensor({first, second}, at::kDouble)).sum(), seen};
  };
  const LossPart task = {weighted(logits, 3, 4).value, {}};  // norm 5, at the features 10
  const LossPart first = weighted(logits, 0, 5);             // norm 5, at the features 10
  const LossPart second = weighted(features, 6, 8);          // norm 10
  const LossPart third = weighted(logits, 10, 0);            // norm 10, at the features 20

  const at::Tensor shares = MeasureGradientShares({task, first, second, third}, 1);

  EXPECT_NEAR(ShareOf(shares, 0), 5.0 / 20, 1e-6);
  EXPECT_NEAR(ShareOf(shares, 1), 10.0 / 50, 1e-6);
  EXPECT_NEAR(ShareOf(shares, 2), 10.0 / 20, 1e-6);
}

TEST(GradientSharesTest, GoesBackOnceForEachPart) {
  const at::Tensor features = at::ones({2}, at::kDouble).requires_grad_() * 1;
  const at::Tensor logits = features * 2;
  std::vector<LossPart> parts = {{logits.sum(), {}},
                                 {logits.sum(), logits},
                                 {features.sum(), features},
                                 {logits.sum(), logits}};
  int num_passes = 0;
  for (const LossPart& part : parts) {
    part.value.register_hook([&](const at::Tensor&) { ++num_passes; });
  }

  MeasureGradientShares(parts, 1);

  EXPECT_EQ(num_passes, 4);
}

TEST(GradientSharesTest, ScaleChangesNothingAndAPartWithoutGradientHasNoShare) {
  const at::Tensor logits = at::ones({2}, at::kDouble).requires_grad_() * 1;
  const at::Tensor task = logits.sum();
  const at::Tensor constant = at::ones({}, at::kDouble);

  const at::Tensor shares =
      MeasureGradientShares({{task, {}}, {constant, logits}, {logits.sum(), logits}}, 1024);

  EXPECT_EQ(ShareOf(shares, 0), 0);
  EXPECT_NEAR(ShareOf(shares, 1), 0.5, 1e-6);
}

}  // namespace
}  // namespace distill::core
