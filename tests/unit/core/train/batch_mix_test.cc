#include "core/train/batch_mix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace distill::core {
namespace {

constexpr int64_t kBatch = 6;
constexpr int64_t kSize = 16;

// Image i is filled with the grey level 10 * (i + 1) and has label i.
at::Tensor Images() {
  const at::Tensor levels = 10 * (at::arange(kBatch) + 1);
  return levels.view({kBatch, 1, 1, 1})
      .expand({kBatch, 3, kSize, kSize})
      .to(at::kByte)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor Labels() { return at::arange(kBatch); }

BatchMixOptions Always(BatchMixKind kind) {
  BatchMixOptions options;
  options.kind = kind;
  options.probability = 1.0;
  return options;
}

TEST(BatchMixTest, NoneLeavesTheBatchAsItIs) {
  const MixedBatch batch = MixBatch(Images(), Labels(), BatchMixOptions(), {1, 2, 3});

  EXPECT_TRUE(batch.images.equal(Images()));
  EXPECT_FALSE(batch.labels.is_mixed());
  EXPECT_TRUE(batch.labels.dominant().equal(Labels()));
}

TEST(BatchMixTest, MixupBlendsImagesByTheShareOfTheirLabels) {
  const at::Tensor images = Images();
  const MixedBatch batch = MixBatch(images, Labels(), Always(BatchMixKind::kMixup), {1, 2, 3});

  ASSERT_TRUE(batch.labels.is_mixed());
  const at::Tensor expected =
      10 * (batch.labels.lambda * (batch.labels.labels.to(at::kDouble) + 1) +
            (1 - batch.labels.lambda) * (batch.labels.mixed_labels.to(at::kDouble) + 1));
  const at::Tensor error = batch.images - expected.view({kBatch, 1, 1, 1});
  EXPECT_LT(error.abs().max().item<double>(), 1e-4);
  EXPECT_EQ(batch.images.scalar_type(), at::kFloat);
  EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(images.equal(Images()));
}

TEST(BatchMixTest, CutmixReplacesABoxWhoseAreaIsTheShare) {
  for (int step = 0; step < 50; ++step) {
    const at::Tensor images = Images();
    const MixedBatch batch =
        MixBatch(images, Labels(), Always(BatchMixKind::kCutmix), {1, 2, step});

    ASSERT_EQ(batch.images.scalar_type(), at::kByte);
    EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(images.equal(Images()));
    for (int64_t i = 0; i < kBatch; ++i) {
      const int64_t other = batch.labels.mixed_labels[i].item<int64_t>();
      const at::Tensor plane = batch.images[i][0];
      const int64_t num_own = plane.eq(10 * (i + 1)).sum().item<int64_t>();
      const int64_t num_other = plane.eq(10 * (other + 1)).sum().item<int64_t>();
      if (other == i) {
        EXPECT_EQ(num_own, kSize * kSize);
        continue;
      }
      EXPECT_EQ(num_own + num_other, kSize * kSize);
      EXPECT_NEAR(batch.labels.lambda, static_cast<double>(num_own) / (kSize * kSize), 1e-12);
    }
  }
}

TEST(BatchMixTest, PartnersAreAPermutationOfTheBatch) {
  const MixedBatch batch = MixBatch(Images(), Labels(), Always(BatchMixKind::kMixup), {1, 2, 3});

  const at::Tensor sorted = std::get<0>(batch.labels.mixed_labels.sort());
  EXPECT_TRUE(sorted.equal(Labels()));
}

TEST(BatchMixTest, MixIsAFunctionOfSeedEpochAndStep) {
  const BatchMixOptions options = Always(BatchMixKind::kMixup);
  const MixedBatch first = MixBatch(Images(), Labels(), options, {1, 2, 3});
  const MixedBatch again = MixBatch(Images(), Labels(), options, {1, 2, 3});

  EXPECT_EQ(first.labels.lambda, again.labels.lambda);
  EXPECT_TRUE(first.images.equal(again.images));
  for (const BatchPlace& place : {BatchPlace{9, 2, 3}, BatchPlace{1, 9, 3}, BatchPlace{1, 2, 9}}) {
    EXPECT_NE(MixBatch(Images(), Labels(), options, place).labels.lambda, first.labels.lambda);
  }
}

TEST(BatchMixTest, BatchesAreMixedWithTheGivenProbability) {
  BatchMixOptions options = Always(BatchMixKind::kMixup);
  options.probability = 0.25;
  int num_mixed = 0;
  constexpr int kDraws = 2000;

  for (int step = 0; step < kDraws; ++step) {
    num_mixed += MixBatch(Images(), Labels(), options, {1, 2, step}).labels.is_mixed() ? 1 : 0;
  }

  // 5 standard deviations of a binomial(2000, 1/4) are about 97.
  EXPECT_NEAR(num_mixed, kDraws / 4, 97);
}

// Mean 1/2 and variance 1 / (4 * (2 * alpha + 1)) of Beta(alpha, alpha).
class BetaTest : public ::testing::TestWithParam<double> {};

TEST_P(BetaTest, SharesHaveTheMomentsOfTheirBetaDistribution) {
  BatchMixOptions options = Always(BatchMixKind::kMixup);
  options.alpha = GetParam();
  const at::Tensor image = at::zeros({1, 3, 1, 1});
  const at::Tensor label = at::zeros({1}, at::kLong);
  constexpr int kDraws = 4000;
  double sum = 0;
  double sum_of_squares = 0;

  for (int step = 0; step < kDraws; ++step) {
    const double lambda = MixBatch(image, label, options, {5, 0, step}).labels.lambda;
    ASSERT_GE(lambda, 0.0);
    ASSERT_LE(lambda, 1.0);
    sum += lambda;
    sum_of_squares += (lambda - 0.5) * (lambda - 0.5);
  }

  const double variance = 1 / (4 * (2 * GetParam() + 1));
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws));
  // The squared deviation lies in [0, 1/4], so its own deviation is at most 1/8.
  EXPECT_NEAR(sum_of_squares / kDraws, variance, 5 * 0.125 / std::sqrt(kDraws));
}

INSTANTIATE_TEST_SUITE_P(Alphas, BetaTest, ::testing::Values(0.05, 0.4, 1.0, 4.0));

}  // namespace
}  // namespace distill::core
