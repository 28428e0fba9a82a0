#include "core/worker/journal_writer.h"

#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::TempDir;
using ::testing::HasSubstr;

class JournalWriterTest : public ::testing::Test {
 protected:
  JournalWriterTest() { EXPECT_OK(StartLog({LogLevel::kInfo, (folder_.path() / "log").string()})); }
  ~JournalWriterTest() override { EXPECT_OK(StartLog({})); }

  // Returns the notices of the journal.
  std::vector<worker::v1::Notice> Notices() const {
    const auto chunk = ReadJournal(folder_.path() / "journal", 0, 1 << 20);
    EXPECT_OK(chunk);
    std::vector<worker::v1::Notice> notices;
    for (const std::string& payload : chunk->payloads) {
      worker::v1::RunEvent event;
      EXPECT_TRUE(event.ParseFromString(payload));
      notices.push_back(event.notice());
    }
    return notices;
  }

  TempDir folder_;
};

TEST_F(JournalWriterTest, ANoticeHasItsLevelInTheJournalAndInTheLog) {
  auto journal = JournalWriter::Open({folder_.path(), 1, [] { return false; }}, SystemClock());
  ASSERT_OK(journal);

  journal->OnNotice(NoticeLevel::kInformation, "3 classes");
  journal->OnNotice(NoticeLevel::kWarning, "hardly teaches");

  const std::vector<worker::v1::Notice> notices = Notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].message(), "3 classes");
  EXPECT_EQ(notices[0].level(), worker::v1::NOTICE_LEVEL_INFORMATION);
  EXPECT_EQ(notices[1].level(), worker::v1::NOTICE_LEVEL_WARNING);
  const std::string log = ReadFile(folder_.path() / "log").value();
  EXPECT_THAT(log, HasSubstr(" info notice message=\"3 classes\"\n"));
  EXPECT_THAT(log, HasSubstr(" warning notice message=\"hardly teaches\"\n"));
}

}  // namespace
}  // namespace distill::core
