#include "core/train/learning_rate_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/matchers/status_matchers.h"
#include "tests/oracle/train/schedule_goldens.h"

namespace distill::core {
namespace {

using distill::testing::IsOk;
using distill::testing::StatusIs;
using ::testing::HasSubstr;

// The reference's documented recipe.
ScheduleOptions DocumentedRecipe() {
  ScheduleOptions options;
  options.epochs = 150;
  options.learning_rate = 1e-4;
  options.min_learning_rate = 1e-6;
  options.warmup = true;
  return options;
}

TEST(LearningRateScheduleTest, WarmupRisesLinearlyFromTheLowestRate) {
  const ScheduleOptions options = DocumentedRecipe();

  EXPECT_EQ(NumWarmupEpochs(options), 7);  // int(0.05 * 150)
  EXPECT_EQ(LearningRate(options, 0), 1e-6);
  EXPECT_NEAR(LearningRate(options, 3), 1e-6 + 99e-6 * 3 / 7, 1e-18);
  EXPECT_NEAR(LearningRate(options, 7), 1e-4, 1e-18);
}

// Rates that the reference system printed in a run of its own, to three digits.
TEST(LearningRateScheduleTest, ReferenceCosineGivesTheReferencesValues) {
  ScheduleOptions options = DocumentedRecipe();
  options.kind = ScheduleKind::kReferenceCosine;
  constexpr std::array<double, 10> kSeen = {9.76e-5, 9.05e-5, 7.96e-5, 6.58e-5, 5.05e-5,
                                            3.52e-5, 2.14e-5, 1.05e-5, 3.42e-6, 1.00e-6};

  for (size_t i = 0; i < kSeen.size(); ++i) {
    const double rate = LearningRate(options, 8 + static_cast<int64_t>(i));
    EXPECT_NEAR(rate, kSeen.at(i), 0.0051 * std::pow(10, std::floor(std::log10(rate)))) << i;
  }
}

TEST(LearningRateScheduleTest, ReferenceCosineRisesAgainWithAPeriodOfTwentyEpochs) {
  ScheduleOptions options = DocumentedRecipe();
  options.kind = ScheduleKind::kReferenceCosine;

  EXPECT_NEAR(LearningRate(options, 17), 1e-6, 1e-18);
  EXPECT_NEAR(LearningRate(options, 27), 1e-4, 1e-18);
  EXPECT_NEAR(LearningRate(options, 149), 9.05e-5, 5e-8);  // where the documented run ends
}

TEST(LearningRateScheduleTest, WarmupShorterThanAnEpochStartsAtTheHighestRate) {
  ScheduleOptions options = DocumentedRecipe();
  options.kind = ScheduleKind::kReferenceCosine;
  options.epochs = 19;

  EXPECT_EQ(NumWarmupEpochs(options), 0);
  EXPECT_EQ(LearningRate(options, 0), 1e-4);
}

// By hand: 4 epochs, phases 0, 1/4, 1/2, 3/4.
TEST(LearningRateScheduleTest, CosineFallsOverTheRunsLength) {
  ScheduleOptions options;
  options.epochs = 4;
  options.learning_rate = 1.0;
  options.min_learning_rate = 0.0;

  EXPECT_EQ(LearningRate(options, 0), 1.0);
  EXPECT_NEAR(LearningRate(options, 1), 0.5 + std::sqrt(2.0) / 4, 1e-15);
  EXPECT_NEAR(LearningRate(options, 2), 0.5, 1e-15);
  EXPECT_NEAR(LearningRate(options, 3), 0.5 - std::sqrt(2.0) / 4, 1e-15);
  EXPECT_NEAR(LearningRate(options, 4), 0.0, 1e-15);
  EXPECT_NEAR(LearningRate(options, 9), 0.0, 1e-15);
}

TEST(LearningRateScheduleTest, CosineAfterAWarmupCoversTheRest) {
  ScheduleOptions options;
  options.epochs = 12;
  options.learning_rate = 1.0;
  options.min_learning_rate = 0.0;
  options.warmup = true;
  options.warmup_ratio = 0.17;  // 2 epochs

  EXPECT_EQ(LearningRate(options, 1), 0.5);
  EXPECT_EQ(LearningRate(options, 2), 1.0);
  EXPECT_NEAR(LearningRate(options, 7), 0.5, 1e-15);
}

TEST(LearningRateScheduleTest, StepMultipliesAfterEachIntervalDownToTheLowestRate) {
  ScheduleOptions options;
  options.kind = ScheduleKind::kStep;
  options.learning_rate = 1.0;
  options.min_learning_rate = 0.3;
  options.step_epochs = 3;
  options.step_factor = 0.5;

  EXPECT_EQ(LearningRate(options, 2), 1.0);
  EXPECT_EQ(LearningRate(options, 3), 0.5);
  EXPECT_EQ(LearningRate(options, 5), 0.5);
  EXPECT_EQ(LearningRate(options, 6), 0.3);
}

// CRD's schedule for CIFAR-100: 240 epochs, a tenth after 150, 180 and 210 of them.
TEST(LearningRateScheduleTest, MilestonesMultiplyAfterThatManyEpochs) {
  ScheduleOptions options;
  options.kind = ScheduleKind::kStep;
  options.epochs = 240;
  options.learning_rate = 0.05;
  options.min_learning_rate = 0.0;
  options.step_factor = 0.1;
  options.milestones = {150, 180, 210};
  ASSERT_OK(ValidateSchedule(options));

  EXPECT_EQ(LearningRate(options, 0), 0.05);
  EXPECT_EQ(LearningRate(options, 149), 0.05);
  EXPECT_NEAR(LearningRate(options, 150), 0.005, 1e-17);
  EXPECT_NEAR(LearningRate(options, 179), 0.005, 1e-17);
  EXPECT_NEAR(LearningRate(options, 180), 0.0005, 1e-17);
  EXPECT_NEAR(LearningRate(options, 239), 0.00005, 1e-18);
  options.warmup = true;
  EXPECT_NEAR(LearningRate(options, 149), 0.05, 1e-17) << "a warm-up does not move them";
  EXPECT_NEAR(LearningRate(options, 150), 0.005, 1e-17);
}

TEST(LearningRateScheduleTest, MilestonesMustAscend) {
  ScheduleOptions options;
  options.kind = ScheduleKind::kStep;
  for (const std::vector<int64_t>& milestones : {std::vector<int64_t>{0}, {10, 10}, {20, 10}}) {
    options.milestones = milestones;
    EXPECT_THAT(ValidateSchedule(options),
                StatusIs(Code::kInvalidArgument, HasSubstr("milestones")));
  }
}

TEST(LearningRateScheduleTest, PolynomialFallsWithItsPower) {
  ScheduleOptions options;
  options.kind = ScheduleKind::kPolynomial;
  options.epochs = 10;
  options.learning_rate = 1.0;
  options.min_learning_rate = 0.0;
  options.polynomial_power = 2.0;

  EXPECT_EQ(LearningRate(options, 0), 1.0);
  EXPECT_NEAR(LearningRate(options, 5), 0.25, 1e-15);
  EXPECT_NEAR(LearningRate(options, 9), 0.01, 1e-15);
}

TEST(LearningRateScheduleTest, ConstantStaysAfterItsWarmup) {
  ScheduleOptions options = DocumentedRecipe();
  options.kind = ScheduleKind::kConstant;

  EXPECT_EQ(LearningRate(options, 0), 1e-6);
  EXPECT_EQ(LearningRate(options, 8), 1e-4);
  EXPECT_EQ(LearningRate(options, 149), 1e-4);
}

struct TorchSchedule {
  const char* name;
  ScheduleOptions options;
  const std::array<double, 20>& rates;
};

ScheduleOptions OfTwentyEpochs(ScheduleKind kind, bool warmup = false) {
  ScheduleOptions options;
  options.kind = kind;
  options.epochs = 20;
  options.learning_rate = 0.1;
  options.min_learning_rate = 1e-4;
  options.warmup = warmup;
  options.warmup_ratio = 0.25;
  options.step_epochs = 4;
  return options;
}

ScheduleOptions WithMilestones() {
  ScheduleOptions options = OfTwentyEpochs(ScheduleKind::kStep);
  options.milestones = {6, 12, 15};
  options.step_factor = 0.1;
  return options;
}

ScheduleOptions SquaredDownToZero() {
  ScheduleOptions options = OfTwentyEpochs(ScheduleKind::kPolynomial);
  options.min_learning_rate = 0;
  options.polynomial_power = 2;
  return options;
}

class TorchScheduleTest : public ::testing::TestWithParam<TorchSchedule> {};

// Rates of torch.optim.lr_scheduler, see tests/oracle/train/make_schedule_goldens.py.
TEST_P(TorchScheduleTest, RatesAreThoseOfPyTorchsScheduler) {
  const TorchSchedule& schedule = GetParam();
  ASSERT_THAT(ValidateSchedule(schedule.options), IsOk());
  for (size_t epoch = 0; epoch < schedule.rates.size(); ++epoch) {
    EXPECT_NEAR(LearningRate(schedule.options, static_cast<int64_t>(epoch)),
                schedule.rates.at(epoch), 1e-10 * 0.1)
        << "epoch " << epoch;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, TorchScheduleTest,
    ::testing::Values(
        TorchSchedule{"Cosine", OfTwentyEpochs(ScheduleKind::kCosine), kCosineRates},
        TorchSchedule{"CosineAfterWarmup", OfTwentyEpochs(ScheduleKind::kCosine, true),
                      kCosineAfterWarmupRates},
        TorchSchedule{"ReferenceCosine", OfTwentyEpochs(ScheduleKind::kReferenceCosine),
                      kReferenceCosineRates},
        TorchSchedule{"Step", OfTwentyEpochs(ScheduleKind::kStep), kStepRates},
        TorchSchedule{"Milestones", WithMilestones(), kMilestonesRates},
        TorchSchedule{"Polynomial", SquaredDownToZero(), kPolynomialRates},
        TorchSchedule{"Warmup", OfTwentyEpochs(ScheduleKind::kConstant, true), kWarmupRates}),
    [](const auto& one) { return one.param.name; });

TEST(LearningRateScheduleTest, NumbersOutOfRangeAreRefusedByName) {
  EXPECT_OK(ValidateSchedule(DocumentedRecipe()));

  ScheduleOptions low = DocumentedRecipe();
  low.min_learning_rate = 1e-3;
  EXPECT_THAT(ValidateSchedule(low),
              StatusIs(Code::kInvalidArgument, HasSubstr("lowest learning rate")));

  ScheduleOptions still = DocumentedRecipe();
  still.step_epochs = 0;
  EXPECT_THAT(ValidateSchedule(still), StatusIs(Code::kInvalidArgument, HasSubstr("step")));
}

}  // namespace
}  // namespace distill::core
