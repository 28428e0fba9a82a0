#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>
#include <vector>

#include "server/store/database_backup.h"
#include "tests/eventually.h"
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
  SqliteJobStoreOptions Options() {
    SqliteJobStoreOptions options;
    options.state_directory = state_directory();
    options.busy_timeout = std::chrono::milliseconds(1);
    return options;
  }
  Result<std::unique_ptr<JobStore>> Open(int64_t max_bytes = 0) {
    SqliteJobStoreOptions options = Options();
    options.max_database_bytes = max_bytes;
    return OpenSqliteJobStore(options, clock());
  }
  // Fifty jobs, and all pages but the first have a wrong beginning.
  void DamageControl() {
    for (int i = 0; i < 50; ++i) Insert(SpecNamed("job" + std::to_string(i)));
    store_.reset();
    const auto size = std::filesystem::file_size(control_file());
    ASSERT_GT(size, 3U * 4096U);
    std::fstream file(control_file(), std::ios::in | std::ios::out | std::ios::binary);
    for (auto page = 1U; page < size / 4096U; ++page) {
      file.seekp(static_cast<std::streamoff>(page * 4096U));
      file << std::string(64, '\xA5');
    }
  }
  std::filesystem::path control_file() const { return state_directory() / "control.db"; }
};

TEST_F(StoreFailureTest, SecondDaemonIsRefused) {
  EXPECT_THAT(Open(), StatusIs(Code::kFailedPrecondition, HasSubstr("another distilld")));
}

TEST_F(StoreFailureTest, DaemonThatIsJustLeavingIsWaitedFor) {
  std::thread leaving([this] {
    testing::Eventually(std::chrono::milliseconds(100), [] { return false; });
    store_.reset();
  });

  EXPECT_OK(Open());

  leaving.join();
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

TEST_F(StoreFailureTest, RequestThatFillsTheDiskFailsAlone) {
  store_.reset();
  auto opened = Open(/*max_bytes=*/256 * 1024);
  ASSERT_OK(opened);
  store_ = std::move(opened).value();
  std::vector<JobSpec> large = {SpecNamed("large")};
  large.front().given.assign(1024 * 1024, 'x');
  const std::vector<JobSpec> before = {SpecNamed("before")};
  const std::vector<JobSpec> after = {SpecNamed("after")};
  const std::string none;

  const auto answers =
      store().InsertRequests({{before, none, none}, {large, none, none}, {after, none, none}}, 1);

  ASSERT_EQ(answers.size(), 3U);
  EXPECT_OK(answers[0]);
  EXPECT_THAT(answers[1], HasCode(Code::kResourceExhausted));
  EXPECT_OK(answers[2]);
  EXPECT_EQ(store().ListActiveJobs()->size(), 2U);
}

// Counts the transactions that write to control.db.
struct WriteCount final : StoreObserver {
  void OnWrite(std::string_view database, std::chrono::nanoseconds, Code) override {
    if (database == "control") ++count;
  }
  std::atomic<int> count = 0;
};

TEST_F(StoreFailureTest, RequestsThatComeTogetherAreOneWrite) {
  store_.reset();
  WriteCount writes;
  SqliteJobStoreOptions options = Options();
  options.observer = &writes;
  const auto opened = OpenSqliteJobStore(options, clock());
  ASSERT_OK(opened);
  const std::vector<JobSpec> first = {SpecNamed("a")};
  const std::vector<JobSpec> second = {SpecNamed("b")};
  const std::string none;
  const int before = writes.count;

  const auto answers = (*opened)->InsertRequests({{first, none, none}, {second, none, none}}, 1);

  ASSERT_OK(answers[0]);
  ASSERT_OK(answers[1]);
  EXPECT_EQ(writes.count - before, 1);
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

TEST_F(StoreFailureTest, DamagedPagesAreFoundAtOpeningAndNothingIsChanged) {
  DamageControl();
  const auto before = std::filesystem::last_write_time(control_file());

  EXPECT_THAT(Open(), HasCode(Code::kDataLoss));

  EXPECT_EQ(std::filesystem::last_write_time(control_file()), before);
}

TEST_F(StoreFailureTest, DamageIsToldWithTheNewestBackupAndRebuild) {
  const std::filesystem::path backup = dir_.path() / "backup";
  ASSERT_OK(BackUpDatabases(state_directory(), backup));
  DamageControl();

  EXPECT_THAT(Open(),
              StatusIs(Code::kDataLoss, AllOf(HasSubstr("newest backup: " + backup.string()),
                                              HasSubstr("distilld rebuild"))));
}

// Collects what is found beside the service.
struct DamageNote final : StoreObserver {
  void OnWrite(std::string_view, std::chrono::nanoseconds, Code) override {}
  void OnDamage(std::string_view database, const std::string&) override {
    is_control = database == "control";
  }
  std::atomic<bool> is_control = false;
};

TEST_F(StoreFailureTest, ALargeDatabaseIsSearchedBesideTheServiceAndFrozenWhenDamaged) {
  const JobId id = Insert(SpecNamed("a"));
  store_.reset();
  {
    // What only foreign_key_check finds: opening and writing go well.
    SQLite::Database other(control_file().string(), SQLite::OPEN_READWRITE);
    other.exec("INSERT INTO job_label VALUES (999, 'of', 'nobody')");
  }
  DamageNote note;
  SqliteJobStoreOptions options = Options();
  options.max_checked_bytes = 1;
  options.observer = &note;

  auto opened = OpenSqliteJobStore(options, clock());

  ASSERT_OK(opened);
  ASSERT_TRUE(
      testing::Eventually(std::chrono::seconds(20), [&] { return note.is_control.load(); }));
  EXPECT_THAT((*opened)->InsertJobs({SpecNamed("b")}, "", "", 1),
              StatusIs(Code::kDataLoss, HasSubstr("distilld rebuild")));
  EXPECT_OK((*opened)->FindJob(id));
}

TEST_F(StoreFailureTest, ReadOnlyADamagedDatabaseShowsWhatItCanAndRefusesChanges) {
  const JobId id = Insert(SpecNamed("a"));
  store_.reset();
  std::ofstream(state_directory() / "metrics.db") << std::string(8192, 'x');
  ASSERT_THAT(Open(), HasCode(Code::kDataLoss));
  SqliteJobStoreOptions options = Options();
  options.read_only_because = "it is damaged";

  const auto opened = OpenSqliteJobStore(options, clock());

  ASSERT_OK(opened);
  EXPECT_EQ((*opened)->FindJob(id)->spec.name, "a");
  EXPECT_THAT((*opened)->InsertJobs({SpecNamed("b")}, "", "", 1),
              StatusIs(Code::kDataLoss, HasSubstr("it is damaged")));
}

TEST_F(StoreFailureTest, AMissingDatabaseBesideRunsIsNoEmptyOne) {
  std::filesystem::create_directories(state_directory() / "runs" / "1" / "1");
  store_.reset();
  std::filesystem::remove(control_file());

  EXPECT_THAT(Open(), StatusIs(Code::kDataLoss, HasSubstr("missing")));
  EXPECT_FALSE(std::filesystem::exists(control_file()));
}

TEST_F(StoreFailureTest, NumbersOfFoldersThatAnOlderBackupDoesNotKnowAreNotGivenAgain) {
  Insert(SpecNamed("a"));
  std::filesystem::create_directories(state_directory() / "runs" / "7");
  Reopen();

  EXPECT_EQ(Insert(SpecNamed("b")), 8);
}

// How often `file` is open in this process for writing.
// The descriptors that this process has of a file.
std::vector<int> DescriptorsOf(const std::filesystem::path& file) {
  std::vector<int> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != file) continue;
    descriptors.push_back(std::stoi(entry.path().filename().string()));
  }
  return descriptors;
}

int NumWriters(const std::filesystem::path& file) {
  int count = 0;
  for (const int descriptor : DescriptorsOf(file)) {
    if ((::fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY) ++count;
  }
  return count;
}

// SQLite's WAL-reset fault (3.7.0 to 3.51.2) needs two connections that write.
TEST_F(StoreFailureTest, OneConnectionWritesHoweverManyRead) {
  for (int i = 0; i < 20; ++i) {
    Insert(SpecNamed("job" + std::to_string(i)));
    ASSERT_OK(store().ListJobs({}));
  }
  ASSERT_OK(BackUpDatabases(state_directory(), dir_.path() / "backup"));

  EXPECT_EQ(NumWriters(control_file()), 1);
  EXPECT_EQ(NumWriters(state_directory() / "metrics.db"), 1);
}

// SQLite keeps what it should close while the file is open elsewhere in the process.
TEST_F(StoreFailureTest, ManyThatReadAtOnceLeaveFewFilesOpen) {
  for (int i = 0; i < 200; ++i) Insert(SpecNamed("job" + std::to_string(i)));
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 20; ++j) EXPECT_OK(store().ListJobs({}));
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_LE(DescriptorsOf(control_file()).size(), 13U) << "twelve readers and a writer";
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
