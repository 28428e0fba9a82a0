#include "server/store/intake.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "core/base/journal.h"
#include "tests/eventually.h"
#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::Eventually;
using ::distill::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using Kind = IntakeNote::Kind;

auto IsNote(Kind kind, const std::string& record) {
  return AllOf(Field(&IntakeNote::kind, kind), Field(&IntakeNote::record, record));
}

TEST(IntakeTest, TheNewestNoteOfEachJobCounts) {
  const testing::TempDir folder;
  {
    auto intake = JournalAppender::Open(folder.path() / kIntakeFile);
    ASSERT_OK(intake);
    for (const IntakeNote& note : std::vector<IntakeNote>{{1, Kind::kRecord, "one\nof two lines"},
                                                          {2, Kind::kRecord, "two"},
                                                          {3, Kind::kRecord, "three"},
                                                          {4, Kind::kDeleted, ""},
                                                          {2, Kind::kDeleting, ""},
                                                          {3, Kind::kDeleting, ""},
                                                          {3, Kind::kDeleted, ""},
                                                          {4, Kind::kRecord, "four"}}) {
      ASSERT_OK(intake->Append(WriteIntakeNote(note)));
    }
  }

  EXPECT_THAT(
      ReadIntake(folder.path()),
      ElementsAre(Pair(1, IsNote(Kind::kRecord, "one\nof two lines")),
                  Pair(2, IsNote(Kind::kDeleting, "two")), Pair(3, IsNote(Kind::kDeleted, "")),
                  Pair(4, IsNote(Kind::kRecord, "four"))));
}

TEST(IntakeTest, WhereThereIsNoneThereAreNoNotes) {
  const testing::TempDir folder;
  EXPECT_THAT(ReadIntake(folder.path()), IsEmpty());
}

using IntakeOfAStoreTest = StoreFixture;

TEST_F(IntakeOfAStoreTest, AnIntakeThatIsEmptiedKeepsADeletionAsLongAsThereAreFiles) {
  const JobId with_files = InsertStarted("a");
  const JobId without = InsertStarted("b");
  for (const JobId id : {with_files, without}) {
    Move(id, JobState::kStarting, JobState::kFailed);
    ASSERT_OK(store().DeleteJob(id));
  }
  const auto runs = state_directory() / "runs";
  // Records are written in order: from here on none of those two is.
  const JobId later = Insert(SpecNamed("later"));
  ASSERT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    return std::filesystem::exists(runs / std::to_string(later) / "record.sql");
  }));
  std::filesystem::remove_all(runs / std::to_string(without));
  std::filesystem::create_directories(runs / std::to_string(with_files) / "1");
  JobSpec large = SpecNamed("large");
  large.given.assign(size_t{5} << 20U, 'x');

  Insert(large);

  EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    return std::filesystem::file_size(state_directory() / kIntakeFile) < 1000;
  }));
  EXPECT_THAT(ReadIntake(state_directory()),
              ElementsAre(Pair(with_files, IsNote(Kind::kDeleting, ""))));
  Reopen();
  EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    return !std::filesystem::exists(runs / std::to_string(with_files));
  }));
}

TEST_F(IntakeOfAStoreTest, ADeletionThatWasNotCarriedOutIsTakenBackAtTheNextStart) {
  const JobId id = Insert(SpecNamed("a"));
  store_.reset();
  ASSERT_OK(JournalAppender::Open(state_directory() / kIntakeFile)
                ->Append(WriteIntakeNote({id, Kind::kDeleting, ""})));

  Reopen();

  EXPECT_EQ(ReadIntake(state_directory()).at(id).kind, Kind::kRecord);
}

TEST_F(IntakeOfAStoreTest, ADeletionThatFailsIsTakenBackAtOnce) {
  const JobId id = InsertStarted("a");
  Move(id, JobState::kStarting, JobState::kFailed);
  store_.reset();
  SqliteJobStoreOptions options;
  options.state_directory = state_directory();
  options.busy_timeout = std::chrono::milliseconds(1);
  auto opened = OpenSqliteJobStore(options, clock());
  ASSERT_OK(opened);
  SQLite::Database other((state_directory() / "control.db").string(), SQLite::OPEN_READWRITE);
  const SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);

  EXPECT_THAT((*opened)->DeleteJob(id), HasCode(Code::kUnavailable));

  EXPECT_EQ(ReadIntake(state_directory()).at(id).kind, Kind::kRecord);
  EXPECT_OK((*opened)->FindJob(id));
}

TEST_F(IntakeOfAStoreTest, ANumberThatItTellsOfIsNotGivenAgain) {
  const JobId id = InsertStarted("a");
  Move(id, JobState::kStarting, JobState::kFailed);
  ASSERT_OK(store().DeleteJob(id));
  store_.reset();
  std::filesystem::remove_all(state_directory() / "runs");
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::remove(state_directory() / (std::string("control.db") + end));
  }

  Reopen();

  EXPECT_EQ(Insert(SpecNamed("b")), id + 1);
}

}  // namespace
}  // namespace distill::server
