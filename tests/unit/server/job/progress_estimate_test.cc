#include "server/job/progress_estimate.h"

#include <gtest/gtest.h>

namespace distill::server {
namespace {

JobProgress At(int epoch, int64_t step) {
  JobProgress progress;
  progress.epoch = epoch;
  progress.step = step;
  progress.steps_per_epoch = 10;
  progress.num_epochs = 4;
  return progress;
}

TEST(ProgressEstimateTest, RateSoFarGoesOn) {
  // One of four epochs in 100 s: three more take 300 s.
  EXPECT_EQ(EstimateEnd({1'000, 0}, At(1, 0), 101'000), 401'000);
  EXPECT_EQ(EstimateEnd({1'000, 0}, At(0, 5), 51'000), 401'000);
}

TEST(ProgressEstimateTest, ResumedRunCountsItsOwnEpochsOnly) {
  EXPECT_EQ(EstimateEnd({1'000, 2}, At(3, 0), 101'000), 201'000);
}

TEST(ProgressEstimateTest, NothingDoneMeansUnknown) {
  EXPECT_EQ(EstimateEnd({1'000, 0}, At(0, 0), 101'000), 0);
  EXPECT_EQ(EstimateEnd({1'000, 2}, At(2, 0), 101'000), 0);
  EXPECT_EQ(EstimateEnd({101'000, 0}, At(1, 0), 101'000), 0);
}

TEST(ProgressEstimateTest, FinishedRunEndsNow) {
  EXPECT_EQ(EstimateEnd({1'000, 0}, At(4, 0), 101'000), 101'000);
}

}  // namespace
}  // namespace distill::server
