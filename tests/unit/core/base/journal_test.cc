#include "core/base/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JournalTest : public ::testing::Test {
 protected:
  const std::filesystem::path& path() const { return path_; }

  void Append(std::initializer_list<const char*> payloads) {
    auto appender = JournalAppender::Open(path_);
    ASSERT_OK(appender);
    for (const char* payload : payloads) ASSERT_OK(appender->Append(payload));
    ASSERT_OK(appender->Sync());
  }

 private:
  testing::TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "journal";
};

TEST_F(JournalTest, ReaderGoesOnWhereItStopped) {
  Append({"one", "two"});
  const auto first = ReadJournal(path(), 0);
  Append({"three"});

  const auto second = ReadJournal(path(), first->next_offset);

  EXPECT_THAT(first->payloads, ElementsAre("one", "two"));
  EXPECT_THAT(second->payloads, ElementsAre("three"));
}

TEST_F(JournalTest, EveryTornTailIsCutAndWrittenOver) {
  Append({"one", "two"});
  const auto whole_size = std::filesystem::file_size(path());
  const std::string whole = ReadFile(path()).value();

  for (auto size = whole_size - 10; size < whole_size; ++size) {
    ASSERT_OK(ReplaceFile(path(), whole.substr(0, size)));
    const auto torn = ReadJournal(path(), 0);
    ASSERT_OK(torn);
    EXPECT_THAT(torn->payloads, ElementsAre("one"));
    EXPECT_TRUE(torn->has_incomplete_tail);

    Append({"again"});
    EXPECT_THAT(ReadJournal(path(), 0)->payloads, ElementsAre("one", "again"));
  }
}

TEST_F(JournalTest, FlippedBitStopsTheReaderBeforeTheFrame) {
  Append({"one", "two"});
  std::string bytes = ReadFile(path()).value();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_OK(ReplaceFile(path(), bytes));

  const auto chunk = ReadJournal(path(), 0);

  EXPECT_THAT(chunk->payloads, ElementsAre("one"));
  EXPECT_TRUE(chunk->has_incomplete_tail);
}

TEST_F(JournalTest, FrameLargerThanTheWindowIsReadWhole) {
  const std::string large(100'000, 'x');
  Append({large.c_str(), "small"});

  const auto chunk = ReadJournal(path(), 0, /*max_bytes=*/1000);

  EXPECT_THAT(chunk->payloads, ::testing::Contains(large));
}

TEST_F(JournalTest, OffsetBeyondTheEndIsOutOfRange) {
  Append({"one"});

  EXPECT_THAT(ReadJournal(path(), 1'000), HasCode(Code::kOutOfRange));
}

TEST_F(JournalTest, EmptyJournalHasNothing) {
  Append({});

  const auto chunk = ReadJournal(path(), 0);

  EXPECT_THAT(chunk->payloads, IsEmpty());
  EXPECT_FALSE(chunk->has_incomplete_tail);
}

}  // namespace
}  // namespace distill
