#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreFailureTest : public StoreFixture {
 protected:
  Result<std::unique_ptr<JobStore>> Open(int64_t max_bytes = 0) {
    SqliteJobStoreOptions options;
    options.state_directory = state_directory();
    options.busy_timeout = std::chrono::milliseconds(1);
    options.max_database_bytes = max_bytes;
    return OpenSqliteJobStore(options, clock());
  }
  std::filesystem::path control_file() const { return state_directory() / "control.db"; }
};

TEST_F(StoreFailureTest, SecondDaemonIsRefused) {
  EXPECT_THAT(Open(), StatusIs(Code::kFailedPrecondition, HasSubstr("another distilld")));
}

TEST_F(StoreFailureTest, FullDiskAddsNothing) {
  store_.reset();
  auto opened = Open(/*max_bytes=*/256 * 1024);
  ASSERT_OK(opened);
  store_ = std::move(opened).value();
  JobSpec large = SpecNamed("large");
  large.given.assign(1024 * 1024, 'x');

  EXPECT_THAT(store().InsertJobs({SpecNamed("small"), large}, "", "", 1),
              HasCode(Code::kResourceExhausted));

  EXPECT_THAT(store().ListActiveJobs().value(), IsEmpty());
  EXPECT_OK(store().InsertJobs({SpecNamed("small")}, "", "", 1));
}

TEST_F(StoreFailureTest, BusyDatabaseIsUnavailable) {
  store_.reset();
  auto opened = Open();
  ASSERT_OK(opened);
  store_ = std::move(opened).value();
  SQLite::Database other(control_file().string(), SQLite::OPEN_READWRITE);
  SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);

  EXPECT_THAT(store().InsertJobs({SpecNamed("a")}, "", "", 1), HasCode(Code::kUnavailable));
  EXPECT_OK(store().ListActiveJobs());
}

TEST_F(StoreFailureTest, FileThatIsNoDatabaseIsDataLossWithARemedy) {
  store_.reset();
  std::filesystem::remove(control_file());
  std::ofstream(control_file()) << std::string(8192, 'x');

  EXPECT_THAT(Open(), StatusIs(Code::kDataLoss,
                               AllOf(HasSubstr("control.db"), HasSubstr("restore the file"))));
}

TEST_F(StoreFailureTest, DamagedPagesAreFoundAtOpening) {
  for (int i = 0; i < 50; ++i) Insert(SpecNamed("job" + std::to_string(i)));
  store_.reset();
  const auto size = std::filesystem::file_size(control_file());
  ASSERT_GT(size, 3U * 4096U);
  std::fstream file(control_file(), std::ios::in | std::ios::out | std::ios::binary);
  for (auto page = 1U; page < size / 4096U; ++page) {
    file.seekp(static_cast<std::streamoff>(page * 4096U));
    file << std::string(64, '\xA5');
  }
  file.close();

  EXPECT_THAT(Open(), HasCode(Code::kDataLoss));
}

TEST_F(StoreFailureTest, TruncatedFileIsFoundAtOpening) {
  for (int i = 0; i < 50; ++i) Insert(SpecNamed("job" + std::to_string(i)));
  store_.reset();
  std::filesystem::resize_file(control_file(), std::filesystem::file_size(control_file()) / 2);

  EXPECT_THAT(Open(), HasCode(Code::kDataLoss));
}

TEST_F(StoreFailureTest, DatabaseOfANewerVersionIsRefused) {
  store_.reset();
  {
    SQLite::Database other(control_file().string(), SQLite::OPEN_READWRITE);
    other.exec("INSERT INTO schema_migration VALUES (999, '0999_future', 'x', 1)");
  }

  EXPECT_THAT(Open(), StatusIs(Code::kFailedPrecondition, HasSubstr("999")));
}

TEST_F(StoreFailureTest, DatabaseOfAnotherProgramIsRefused) {
  store_.reset();
  {
    SQLite::Database other(control_file().string(), SQLite::OPEN_READWRITE);
    other.exec("PRAGMA application_id = 1");
  }

  EXPECT_THAT(Open(), StatusIs(Code::kFailedPrecondition, HasSubstr("another kind")));
}

TEST_F(StoreFailureTest, MetricsOfADeletionCutShortAreRemovedAtOpening) {
  const JobId id = InsertStarted("a");
  RunEventBatch batch;
  batch.events = {{1, 1, EpochEnd{1, 10, {{"val/accuracy", 0.5}}, true, 3}}};
  batch.next_offset = 50;
  ASSERT_OK(store().StoreRunEvents(id, 1, 0, batch));
  store_.reset();
  {
    SQLite::Database control(control_file().string(), SQLite::OPEN_READWRITE);
    control.exec("PRAGMA foreign_keys = ON");
    control.exec("DELETE FROM job");
  }

  Reopen();

  EXPECT_THAT(store().ListMetrics(id, {}, 0)->points, IsEmpty());
}

TEST_F(StoreFailureTest, StateFolderThatCannotBeMadeIsReported) {
  const std::filesystem::path file = dir_.path() / "file";
  std::ofstream(file) << "x";
  SqliteJobStoreOptions options;
  options.state_directory = file / "state";

  EXPECT_FALSE(OpenSqliteJobStore(options, clock()).ok());
}

}  // namespace
}  // namespace distill::server
