#include "core/eval/wrong_predictions.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

namespace distill::core {
namespace {

using ::testing::ElementsAre;

// Two classes: the network gives class 1 the odds `odds` to 1.
at::Tensor Odds(const std::vector<double>& odds) {
  const at::Tensor logits = at::zeros({static_cast<int64_t>(odds.size()), 2}, at::kDouble);
  for (size_t i = 0; i < odds.size(); ++i) {
    logits.data_ptr<double>()[2 * i + 1] = std::log(odds[i]);
  }
  return logits;
}

std::vector<int64_t> Indices(const std::vector<WrongPrediction>& wrong) {
  std::vector<int64_t> indices;
  for (const WrongPrediction& prediction : wrong) indices.push_back(prediction.index);
  return indices;
}

TEST(WrongPredictionsTest, AScoreIsTheProbabilityOfTheClass) {
  WrongPredictions wrong(10);

  wrong.Add(Odds({3.0}), at::tensor({0}, at::kLong), {7});

  ASSERT_EQ(wrong.Surest().size(), 1U);
  EXPECT_EQ(wrong.Surest()[0].index, 7);
  EXPECT_EQ(wrong.Surest()[0].true_class, 0);
  EXPECT_EQ(wrong.Surest()[0].predicted_class, 1);
  EXPECT_DOUBLE_EQ(wrong.Surest()[0].predicted_score, 0.75);
  EXPECT_DOUBLE_EQ(wrong.Surest()[0].true_score, 0.25);
}

TEST(WrongPredictionsTest, RightOnesAreLeftOutAndTheSurestComeFirst) {
  WrongPredictions wrong(10);

  wrong.Add(Odds({3.0, 9.0, 0.5}), at::tensor({0, 1, 1}, at::kLong), {0, 1, 2});
  wrong.Add(Odds({99.0}), at::tensor({0}, at::kLong), {3});

  EXPECT_THAT(Indices(wrong.Surest()), ElementsAre(3, 0, 2));
  EXPECT_EQ(wrong.num_wrong(), 3);
}

TEST(WrongPredictionsTest, OnlyTheSurestAreKeptButAllAreCounted) {
  WrongPredictions wrong(2);

  wrong.Add(Odds({2.0, 50.0, 3.0, 4.0}), at::zeros({4}, at::kLong), {0, 1, 2, 3});

  EXPECT_THAT(Indices(wrong.Surest()), ElementsAre(1, 3));
  EXPECT_EQ(wrong.num_wrong(), 4);
}

}  // namespace
}  // namespace distill::core
