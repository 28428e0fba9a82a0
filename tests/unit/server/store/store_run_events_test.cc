#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// One journal: event i (from 1) takes the bytes [100 * (i - 1), 100 * i).
class StoreRunEventsTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    job_ = InsertStarted("a");
  }

  void Append(decltype(RunEvent::event) event) {
    const auto sequence = static_cast<int64_t>(journal_.size()) + 1;
    journal_.push_back({sequence, 1000 + sequence, std::move(event)});
  }

  // Stores events `from` to `to` (from 1, both inclusive).
  Status Store(size_t from, size_t to, int attempt = 1) {
    RunEventBatch batch;
    for (size_t i = from; i <= to; ++i) batch.events.push_back(journal_.at(i - 1));
    batch.next_offset = static_cast<int64_t>(100 * to);
    return store().StoreRunEvents(job_, attempt, static_cast<int64_t>(100 * (from - 1)), batch);
  }

  void AppendFourEpochs() {
    Append(WorkerStarted{0, 4, 10});
    for (int epoch = 1; epoch <= 4; ++epoch) {
      const int64_t step = 10 * epoch;
      Append(EpochEnd{epoch, step, {{"val/accuracy", 0.1 * epoch}}, epoch == 3, 5.0});
      Append(ArtifactRecord{"last.ckpt", 1, 100 + epoch, "sum", "checkpoint", 0});
      Append(WorkerNotice{"epoch " + std::to_string(epoch)});
    }
  }

  std::vector<std::pair<int, double>> Accuracy() {
    std::vector<std::pair<int, double>> points;
    const MetricPage page = store().ListMetrics(job_, {"val/accuracy"}, 0).value();
    for (const MetricPoint& point : page.points) {
      points.emplace_back(point.epoch, point.value);
    }
    return points;
  }

  size_t NumNotices() {
    size_t count = 0;
    const auto events = store().ListEvents(job_, 0).value();
    for (const JobEventRecord& event : events) {
      if (event.from == event.transition.to) ++count;
    }
    return count;
  }

  void ExpectFourEpochs() {
    EXPECT_THAT(Accuracy(),
                ElementsAre(Pair(1, 0.1), Pair(2, 0.2), Pair(3, 0.1 * 3), Pair(4, 0.4)));
    EXPECT_EQ(NumNotices(), 4U);
    ASSERT_EQ(store().ListArtifacts(job_)->size(), 1U);
    EXPECT_EQ(store().ListArtifacts(job_)->front().size_bytes, 104);
    EXPECT_THAT(store().JournalOffset(job_, 1).value(), 1300);
  }

  JobId job_ = 0;
  std::vector<RunEvent> journal_;
};

TEST_F(StoreRunEventsTest, SameBatchTwiceCountsOnce) {
  AppendFourEpochs();

  ASSERT_OK(Store(1, 13));
  ASSERT_OK(Store(1, 13));

  ExpectFourEpochs();
}

TEST_F(StoreRunEventsTest, OverlappingBatchesCountOnce) {
  AppendFourEpochs();

  ASSERT_OK(Store(1, 5));
  ASSERT_OK(Store(3, 9));
  Reopen();
  ASSERT_OK(Store(1, 9));
  ASSERT_OK(Store(8, 13));

  ExpectFourEpochs();
}

TEST_F(StoreRunEventsTest, AWarningIsToldFromOtherNotices) {
  Append(WorkerNotice{"3 classes"});
  Append(WorkerNotice{"hardly teaches", EventLevel::kWarning});

  ASSERT_OK(Store(1, 2));

  std::vector<std::pair<std::string, EventLevel>> notices;
  const auto events = store().ListEvents(job_, 0).value();
  for (const JobEventRecord& event : events) {
    if (event.from == event.transition.to)
      notices.emplace_back(event.transition.message.Plain(), event.level);
  }
  EXPECT_THAT(notices, ElementsAre(Pair("3 classes", EventLevel::kInformation),
                                   Pair("hardly teaches", EventLevel::kWarning)));
}

TEST_F(StoreRunEventsTest, GapIsRefused) {
  AppendFourEpochs();
  ASSERT_OK(Store(1, 2));

  EXPECT_THAT(Store(4, 5), HasCode(Code::kOutOfRange));

  EXPECT_EQ(store().JournalOffset(job_, 1).value(), 200);
}

TEST_F(StoreRunEventsTest, OffsetNeverPassesAnEventThatIsNotStored) {
  AppendFourEpochs();
  ASSERT_OK(Store(1, 1));
  ASSERT_OK(Store(2, 2));  // an epoch: kept by metrics.db alone

  EXPECT_EQ(store().JournalOffset(job_, 1).value(), 100);
  ASSERT_OK(Store(2, 4));
  EXPECT_EQ(store().JournalOffset(job_, 1).value(), 400);
}

TEST_F(StoreRunEventsTest, EpochsThatAreTrainedAgainReplaceTheirPoints) {
  AppendFourEpochs();
  ASSERT_OK(Store(1, 13));
  Move(job_, JobState::kStarting, JobState::kInterrupted);
  Move(job_, JobState::kInterrupted, JobState::kQueued);
  ASSERT_OK(store().StartAttempt(job_, {"cpu"}, 1));
  journal_.clear();
  Append(WorkerStarted{2, 4, 10});
  Append(EpochEnd{3, 30, {{"val/accuracy", 0.35}}, true, 5.0});
  const int64_t cursor = store().ListMetrics(job_, {}, 0)->cursor;

  ASSERT_OK(Store(1, 2, /*attempt=*/2));

  EXPECT_THAT(Accuracy(), ElementsAre(Pair(1, 0.1), Pair(2, 0.2), Pair(3, 0.35)));
  const MetricPage fresh = store().ListMetrics(job_, {"val/accuracy"}, cursor).value();
  ASSERT_EQ(fresh.points.size(), 1U);
  EXPECT_EQ(fresh.points[0].attempt, 2);
  EXPECT_GT(fresh.cursor, cursor);
  EXPECT_EQ(store().ListAttempts(job_)->at(1).resumed_from_epoch, 2);
  EXPECT_EQ(store().FindJob(job_)->progress.epoch, 3);
}

TEST_F(StoreRunEventsTest, SummaryHoldsTheLatestAndTheBestEpoch) {
  AppendFourEpochs();
  Append(StepProgress{{4, 4, 7, 10, 12.5, 99, "val"}, {{"train/loss", 1.5}}});

  ASSERT_OK(Store(1, 14));

  const JobRecord job = store().FindJob(job_).value();
  EXPECT_DOUBLE_EQ(job.latest_metrics.at("val/accuracy"), 0.4);
  EXPECT_DOUBLE_EQ(job.latest_metrics.at("train/loss"), 1.5);
  EXPECT_DOUBLE_EQ(job.best_metrics.at("val/accuracy"), 0.1 * 3);
  EXPECT_EQ(job.best_metrics.count("train/loss"), 0U);
  EXPECT_EQ(job.progress.step, 7);
  EXPECT_EQ(job.progress.phase, "val");
  EXPECT_EQ(job.progress.eta_unix_ms, 99);
  EXPECT_EQ(job.progress.num_epochs, 4);
}

TEST_F(StoreRunEventsTest, StepsAreNoPointsOfASeries) {
  Append(StepProgress{{0, 4, 7, 10, 12.5, 99, "train"}, {{"train/loss", 1.5}}});

  ASSERT_OK(Store(1, 1));

  EXPECT_THAT(store().ListMetrics(job_, {}, 0)->points, IsEmpty());
}

TEST_F(StoreRunEventsTest, ExpectedEndIsThatOfTheNewestEpochUntilTheRunHasEnded) {
  Append(WorkerStarted{0, 4, 10});
  EpochEnd epoch{1, 10, {}, false, 5.0};
  epoch.eta_unix_ms = 9'000;
  Append(epoch);
  Append(EpochEnd{2, 20, {}, false, 5.0});  // that tells none
  Append(WorkerOutcome{JobState::kSucceeded, Cause::kNone, ""});

  ASSERT_OK(Store(1, 3));
  EXPECT_EQ(store().FindJob(job_)->progress.eta_unix_ms, 9'000);
  ASSERT_OK(Store(4, 4));
  EXPECT_EQ(store().FindJob(job_)->progress.eta_unix_ms, 0);
}

TEST_F(StoreRunEventsTest, ValuesThatAreNotFiniteComeBack) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Append(EpochEnd{1, 10, {{"train/loss", std::nan("")}, {"val/loss", kInfinity}}, true, 0});

  ASSERT_OK(Store(1, 1));

  const MetricPage page = store().ListMetrics(job_, {}, 0).value();
  ASSERT_EQ(page.points.size(), 2U);
  EXPECT_TRUE(std::isnan(page.points[0].value));
  EXPECT_EQ(page.points[1].value, kInfinity);
  EXPECT_TRUE(std::isnan(store().FindJob(job_)->latest_metrics.at("train/loss")));
}

TEST_F(StoreRunEventsTest, OutcomeIsKeptWithTheAttempt) {
  Append(WorkerStarted{0, 4, 10});
  Append(WorkerOutcome{JobState::kFailed, Cause::kOutOfMemory, "batch too large"});

  ASSERT_OK(Store(1, 1));
  EXPECT_EQ(store().ListAttempts(job_)->front().state, JobState::kRunning);
  ASSERT_OK(Store(2, 2));

  const AttemptRecord attempt = store().ListAttempts(job_)->front();
  EXPECT_EQ(attempt.state, JobState::kFailed);
  EXPECT_EQ(attempt.cause, Cause::kOutOfMemory);
  EXPECT_EQ(attempt.message.Plain(), "batch too large");
  EXPECT_EQ(attempt.finished_at_unix_ms, 0);
  EXPECT_EQ(store().FindJob(job_)->state, JobState::kStarting);
}

TEST_F(StoreRunEventsTest, EvaluationsAreFoundByModelAndByEvaluatingJob) {
  const JobId evaluator = InsertStarted("eval");
  RunEventBatch batch;
  batch.events = {{1, 77, EvaluationRecord{0, evaluator, job_, 3, true, 0, "figures"}}};
  batch.next_offset = 100;
  ASSERT_OK(store().StoreRunEvents(evaluator, 1, 0, batch));

  for (const std::vector<JobId>& jobs : {std::vector<JobId>{job_}, std::vector<JobId>{evaluator},
                                         std::vector<JobId>{job_, evaluator}}) {
    const auto evaluations = store().ListEvaluations(jobs).value();
    ASSERT_EQ(evaluations.size(), 1U);
    EXPECT_EQ(evaluations[0].model_job, job_);
    EXPECT_EQ(evaluations[0].eval_job, evaluator);
    EXPECT_EQ(evaluations[0].finished_at_unix_ms, 77);
    EXPECT_TRUE(evaluations[0].tta);
    EXPECT_EQ(evaluations[0].payload, "figures");
  }
  EXPECT_THAT(store().ListEvaluations({}).value(), IsEmpty());
}

}  // namespace
}  // namespace distill::server
