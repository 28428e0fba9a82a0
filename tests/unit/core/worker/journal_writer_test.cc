#include "core/worker/journal_writer.h"

#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "core/worker/outcome.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/worker/journal_events.h"

namespace distill::core {
namespace {

using ::distill::testing::TempDir;
using ::testing::HasSubstr;

class JournalWriterTest : public ::testing::Test {
 protected:
  JournalWriterTest() { EXPECT_OK(StartLog({LogLevel::kInfo, (folder_.path() / "log").string()})); }
  ~JournalWriterTest() override { EXPECT_OK(StartLog({})); }

  Result<JournalWriter> Open() const {
    return JournalWriter::Open({folder_.path(), 1, [] { return false; }}, SystemClock());
  }

  std::vector<worker::v1::RunEvent> Events() const {
    return distill::testing::EventsIn(folder_.path());
  }

  TempDir folder_;
};

TEST_F(JournalWriterTest, ANoticeHasItsLevelInTheJournalAndInTheLog) {
  auto journal = Open();
  ASSERT_OK(journal);

  journal->OnNotice(NoticeLevel::kInformation, "3 classes");
  journal->OnNotice(NoticeLevel::kWarning, "hardly teaches");

  const std::vector<worker::v1::RunEvent> events = Events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].notice().message(), "3 classes");
  EXPECT_EQ(events[0].notice().level(), worker::v1::NOTICE_LEVEL_INFORMATION);
  EXPECT_EQ(events[1].notice().level(), worker::v1::NOTICE_LEVEL_WARNING);
  const std::string log = ReadFile(folder_.path() / "log").value();
  EXPECT_THAT(log, HasSubstr(" info notice message=\"3 classes\"\n"));
  EXPECT_THAT(log, HasSubstr(" warning notice message=\"hardly teaches\"\n"));
}

TEST_F(JournalWriterTest, TextsThatAreNotUtf8CanBeReadBackWithTheirBytesEscaped) {
  auto journal = Open();
  ASSERT_OK(journal);
  worker::v1::ScanReport report;
  report.add_bad_paths("caf\xE9.jpg");
  report.add_bad_paths("caf\xC3\xA9.jpg");
  report.add_bad_reasons("damaged");
  v1::Evaluation evaluation;
  evaluation.add_classes()->set_name("\xFF");
  (*evaluation.mutable_metrics())["loss\xFE"] = 2;
  StepReport step;
  step.metrics = {{"train/\xE9", 1}};
  worker::v1::Outcome outcome;
  outcome.set_state(v1::JOB_STATE_FAILED);
  outcome.set_message("tensor \xFF is missing");

  journal->OnStep(step);
  journal->OnNotice(NoticeLevel::kWarning, "gone: b\xE9.jpg");
  journal->WriteScanReport(report);
  journal->WriteEvaluation(evaluation);
  ASSERT_OK(journal->WriteOutcome(outcome));

  const std::vector<worker::v1::RunEvent> events = Events();
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].step().metrics().at("train/\\xe9"), 1);
  EXPECT_EQ(events[1].notice().message(), "gone: b\\xe9.jpg");
  EXPECT_EQ(events[2].scan_report().bad_paths(0), "caf\\xe9.jpg");
  EXPECT_EQ(events[2].scan_report().bad_paths(1), "caf\xC3\xA9.jpg");
  EXPECT_EQ(events[3].evaluation().classes(0).name(), "\\xff");
  EXPECT_EQ(events[3].evaluation().metrics().at("loss\\xfe"), 2);
  EXPECT_EQ(events[4].outcome().message(), "tensor \\xff is missing");
}

TEST_F(JournalWriterTest, ARunWhoseResultsCouldNotBeWrittenHasNotSucceeded) {
  auto journal = Open();
  ASSERT_OK(journal);
  v1::Evaluation too_large;
  too_large.set_model(std::string(kMaxJournalPayloadBytes + 1, 'm'));

  journal->WriteEvaluation(too_large);
  EXPECT_FALSE(journal->status().ok());
  EXPECT_FALSE(journal->WriteOutcome(OutcomeOf({})).ok());

  const std::vector<worker::v1::RunEvent> events = Events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].outcome().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(events[0].outcome().cause(), v1::CAUSE_STORAGE);
  EXPECT_THAT(events[0].outcome().message(), HasSubstr("could be stored"));
}

TEST_F(JournalWriterTest, AFailureKeepsItsOwnCauseWhateverCouldNotBeWritten) {
  auto journal = Open();
  ASSERT_OK(journal);
  v1::Evaluation too_large;
  too_large.set_model(std::string(kMaxJournalPayloadBytes + 1, 'm'));
  journal->WriteEvaluation(too_large);

  EXPECT_FALSE(journal->WriteOutcome(OutcomeOf({Code::kOutOfRange, "diverged"})).ok());

  ASSERT_EQ(Events().size(), 1U);
  EXPECT_EQ(Events()[0].outcome().cause(), v1::CAUSE_DIVERGED);
}

TEST_F(JournalWriterTest, ProgressThatCouldNotBeWrittenFailsNoRun) {
  auto journal = Open();
  ASSERT_OK(journal);
  StepReport too_large;
  too_large.phase = std::string(kMaxJournalPayloadBytes + 1, 'p');

  journal->OnStep(too_large);
  ASSERT_OK(journal->WriteOutcome(OutcomeOf({})));

  ASSERT_EQ(Events().size(), 1U);
  EXPECT_EQ(Events()[0].outcome().state(), v1::JOB_STATE_SUCCEEDED);
}

}  // namespace
}  // namespace distill::core
