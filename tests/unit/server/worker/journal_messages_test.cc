#include "server/worker/journal_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/worker/v1/worker.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::Pair;

RunEvent Parse(const worker::v1::RunEvent& message) {
  auto event = ParseRunEvent(message.SerializeAsString());
  EXPECT_OK(event);
  return event.ok() ? std::move(event).value() : RunEvent();
}

TEST(JournalMessagesTest, EpochKeepsItsFigures) {
  worker::v1::RunEvent message;
  message.set_sequence(7);
  message.set_at_unix_ms(99);
  message.mutable_epoch()->set_epoch(3);
  message.mutable_epoch()->set_step(30);
  message.mutable_epoch()->set_is_best(true);
  message.mutable_epoch()->set_images_per_second(1.5);
  (*message.mutable_epoch()->mutable_metrics())["val/loss"] = 0.25;

  const RunEvent event = Parse(message);

  EXPECT_EQ(event.sequence, 7);
  EXPECT_EQ(event.at_unix_ms, 99);
  const auto& end = std::get<EpochEnd>(event.event);
  EXPECT_EQ(end.epoch, 3);
  EXPECT_EQ(end.step, 30);
  EXPECT_TRUE(end.is_best);
  EXPECT_EQ(end.images_per_second, 1.5);
  EXPECT_THAT(end.metrics, ElementsAre(Pair("val/loss", 0.25)));
}

TEST(JournalMessagesTest, EvaluationNamesItsJobs) {
  worker::v1::RunEvent message;
  message.mutable_evaluation()->set_eval_job("12");
  message.mutable_evaluation()->set_model_job("");
  message.mutable_evaluation()->mutable_pass()->set_split(v1::SPLIT_TEST);
  message.mutable_evaluation()->mutable_pass()->set_tta(true);
  message.mutable_evaluation()->set_images(5);

  const auto evaluation = std::get<EvaluationRecord>(Parse(message).event);

  EXPECT_EQ(evaluation.eval_job, 12);
  EXPECT_EQ(evaluation.model_job, 0);
  EXPECT_EQ(evaluation.split, 3);
  EXPECT_TRUE(evaluation.tta);
  v1::Evaluation payload;
  ASSERT_TRUE(payload.ParseFromString(evaluation.payload));
  EXPECT_EQ(payload.images(), 5);
}

TEST(JournalMessagesTest, ANoticeIsAWarningOnlyWhereItSaysSo) {
  worker::v1::RunEvent message;
  message.mutable_notice()->set_message("words");  // as older versions wrote it

  EXPECT_EQ(std::get<WorkerNotice>(Parse(message).event).level, EventLevel::kInformation);
  message.mutable_notice()->set_level(worker::v1::NOTICE_LEVEL_INFORMATION);
  EXPECT_EQ(std::get<WorkerNotice>(Parse(message).event).level, EventLevel::kInformation);
  message.mutable_notice()->set_level(worker::v1::NOTICE_LEVEL_WARNING);
  EXPECT_EQ(std::get<WorkerNotice>(Parse(message).event).level, EventLevel::kWarning);
  EXPECT_EQ(std::get<WorkerNotice>(Parse(message).event).message, "words");
}

TEST(JournalMessagesTest, OutcomeThatIsNoEndIsAFailure) {
  worker::v1::RunEvent message;
  message.mutable_outcome()->set_state(v1::JOB_STATE_RUNNING);
  message.mutable_outcome()->set_message("odd");

  const auto outcome = std::get<WorkerOutcome>(Parse(message).event);

  EXPECT_EQ(outcome.state, JobState::kFailed);
  EXPECT_EQ(outcome.message, "odd");
}

TEST(JournalMessagesTest, EventOfALaterVersionIsEmpty) {
  worker::v1::RunEvent message;
  message.set_sequence(4);

  const RunEvent event = Parse(message);

  EXPECT_EQ(event.sequence, 4);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(event.event));
}

TEST(JournalMessagesTest, BytesThatAreNoEventAreRefused) {
  EXPECT_THAT(ParseRunEvent("\xFF\xFF\xFF"), HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::server
