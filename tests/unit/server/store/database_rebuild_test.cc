#include "server/store/database_rebuild.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "core/base/durable_file.h"
#include "core/base/journal.h"
#include "server/store/database_check.h"
#include "server/store/intake.h"
#include "server/store/row_dump.h"
#include "tests/eventually.h"
#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::Eventually;
using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::seconds kPatience{60};

// All rows of all tables of control.db, as text.
std::vector<std::string> AllRows(const std::filesystem::path& file) {
  SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
  std::vector<std::string> rows;
  SQLite::Statement tables(database,
                           "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN"
                           " ('schema_migration') ORDER BY name");
  while (tables.executeStep()) {
    const std::string table = tables.getColumn(0).getString();
    SQLite::Statement query(database, "SELECT * FROM " + table);
    while (query.executeStep()) {
      std::string row = table;
      for (int i = 0; i < query.getColumnCount(); ++i) row += "|" + query.getColumn(i).getString();
      rows.push_back(row);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

class DatabaseRebuildTest : public StoreFixture {
 protected:
  std::filesystem::path control_file() const { return state_directory() / "control.db"; }

  void FillStore() {
    JobSpec teacher = SpecNamed("it's a teacher");
    teacher.labels = {{"group", "birds"}};
    JobSpec student = SpecNamed("student");
    student.depends_on = {-1};
    const auto ids = store().InsertJobs({teacher, student}, "request", "sum", 7);
    ASSERT_OK(ids);
    const JobId id = ids->front();
    ASSERT_OK(store().StartAttempt(id, {"cpu"}, 8));
    ASSERT_OK(store().SetAttemptProcess(id, 1, 4711, 12));
    EvaluationRecord evaluation;
    evaluation.eval_job = id;
    evaluation.split = 3;
    evaluation.payload = std::string("\0payload", 8);
    RunEventBatch batch;
    batch.events = {{1, 9, WorkerStarted{0, 4, 10}},
                    {2, 10, ArtifactRecord{"best.safetensors", 1, 7, "sum", "model", 10}},
                    {3, 11, evaluation},
                    {4, 12, WorkerNotice{"said"}}};
    batch.next_offset = 400;
    ASSERT_OK(store().StoreRunEvents(id, 1, 0, batch));
    DatasetRecord dataset;
    dataset.name = "birds";
    dataset.val_fraction = 0.1;
    dataset.id = store().InsertDataset(dataset).value();
    std::filesystem::create_directories(state_directory() / "datasets" / "1");
    dataset.report = "report";
    ASSERT_OK(store().UpdateDataset(dataset));
    store_.reset();  // writes all records
  }

  // Of a job "a" that was deleted the folder stays, and another is "a" now; then, maybe, one is
  // `third`. The database is gone. Returns the ids of both.
  std::vector<JobId> LeaveAFolderOfADeletedJob(const std::string& third = "") {
    JobSpec spec = SpecNamed("a");
    spec.labels = {{"group", "birds"}};
    const auto folder = state_directory() / "runs/1";
    const JobId first = Insert(spec);
    store_.reset();
    std::filesystem::copy(folder, dir_.path() / "kept", std::filesystem::copy_options::recursive);
    Reopen();
    Move(first, JobState::kQueued, JobState::kCancelled);
    EXPECT_OK(store().DeleteJob(first));
    const JobId second = Insert(spec);
    if (!third.empty()) Insert(SpecNamed(third));
    store_.reset();
    std::filesystem::remove_all(folder);
    std::filesystem::copy(dir_.path() / "kept", folder, std::filesystem::copy_options::recursive);
    std::filesystem::remove(control_file());
    return {first, second};
  }
};

TEST_F(DatabaseRebuildTest, RecordsGiveEveryRowOfEveryTable) {
  FillStore();
  const std::vector<std::string> before = AllRows(control_file());
  std::filesystem::remove(control_file());

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_EQ(report->num_jobs, 2);
  EXPECT_EQ(report->num_datasets, 1);
  EXPECT_THAT(report->losses, IsEmpty());
  Reopen();
  store_.reset();
  EXPECT_EQ(AllRows(control_file()), before);
}

TEST_F(DatabaseRebuildTest, RecordsOfAnOlderSchemaAreWrittenAnew) {
  FillStore();
  // Ended long ago: nothing else makes their records be looked at.
  SQLite::Database(control_file().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE job SET state = 8; DELETE FROM job_event");
  const std::filesystem::path older = state_directory() / "runs/1/record.sql";
  const std::filesystem::path newer = state_directory() / "runs/2/record.sql";
  for (const auto& record : {older, newer}) std::ofstream(record) << "as it was";
  std::filesystem::last_write_time(
      older, std::chrono::file_clock::from_sys(std::chrono::sys_seconds(std::chrono::seconds(-1))));

  Reopen();

  EXPECT_TRUE(Eventually(kPatience, [&] {
    return ReadFile(older).value().find("it''s a teacher") != std::string::npos;
  }));
  EXPECT_EQ(ReadFile(newer).value(), "as it was");
}

TEST_F(DatabaseRebuildTest, AStopDoesNotWaitForTheRecordsOfAnOlderSchema) {
  constexpr int64_t kJobs = 300;
  std::vector<JobSpec> specs;
  for (int64_t i = 0; i < kJobs; ++i) specs.push_back(SpecNamed("job" + std::to_string(i)));
  ASSERT_OK(store().InsertJobs(specs, "", "", 1));
  const auto num_written = [&] {
    int64_t written = 0;
    for (int64_t id = 1; id <= kJobs; ++id) {
      if (std::filesystem::exists(state_directory() / "runs" / std::to_string(id) / "record.sql")) {
        ++written;
      }
    }
    return written;
  };
  ASSERT_TRUE(Eventually(kPatience, [&] { return num_written() == kJobs; }));
  store_.reset();
  SQLite::Database(control_file().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE job SET state = 8; DELETE FROM job_event");
  std::filesystem::remove_all(state_directory() / "runs");
  std::filesystem::create_directory(state_directory() / "runs");

  Reopen();
  store_.reset();

  EXPECT_LT(num_written(), kJobs);
  Reopen();
  EXPECT_TRUE(Eventually(kPatience, [&] { return num_written() == kJobs; }));
}

TEST_F(DatabaseRebuildTest, ADamagedRecordIsNamedAndTheOthersAreTaken) {
  FillStore();
  std::filesystem::remove(control_file());
  std::filesystem::remove(state_directory() / "intake.journal");
  std::ofstream(state_directory() / "runs" / "2" / "record.sql", std::ios::app) << "x";

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_EQ(report->num_jobs, 1);
  EXPECT_THAT(report->losses, ElementsAre(HasSubstr("job 2")));
}

TEST_F(DatabaseRebuildTest, AFolderLeftOfAJobWhoseNameWasUsedAgainIsTakenUnderAnother) {
  const std::vector<JobId> ids = LeaveAFolderOfADeletedJob();
  std::filesystem::remove(state_directory() / "intake.journal");

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_EQ(report->num_jobs, 2);
  EXPECT_THAT(report->losses, ElementsAre("the name of job 1: a is job 2 now, this one is a.1"));
  Reopen();
  EXPECT_EQ(store().FindJobByName("a").value(), ids[1]);
  EXPECT_EQ(store().FindJobByName("a.1").value(), ids[0]);
  for (const JobId id : ids) EXPECT_EQ(store().FindJob(id)->spec.labels.size(), 1U);
}

TEST_F(DatabaseRebuildTest, AJobJustSubmittedUnderTheNameOfALeftFolderKeepsIt) {
  LeaveAFolderOfADeletedJob();
  const std::string record = ReadFile(state_directory() / "runs/2/record.sql").value();
  std::filesystem::remove_all(state_directory() / "runs/2");
  std::filesystem::remove(state_directory() / "intake.journal");
  ASSERT_OK(JournalAppender::Open(state_directory() / "intake.journal")
                ->Append(WriteIntakeNote({2, IntakeNote::Kind::kRecord, record})));

  ASSERT_OK(RebuildDatabases(state_directory(), false, 1));

  Reopen();
  EXPECT_EQ(store().FindJobByName("a").value(), 2);
}

TEST_F(DatabaseRebuildTest, AJobWithoutANameLeftIsLostAloneAndNamed) {
  const std::vector<JobId> ids = LeaveAFolderOfADeletedJob("a.1");
  std::filesystem::remove(state_directory() / "intake.journal");

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_EQ(report->num_jobs, 2);
  EXPECT_THAT(report->losses, ElementsAre(HasSubstr("job 1: others have its name, a, and a.1;")));
  Reopen();
  EXPECT_EQ(store().FindJobByName("a").value(), ids[1]);
  EXPECT_EQ(store().FindJobByName("a.1").value(), 3);
}

TEST_F(DatabaseRebuildTest, OfADeletedJobNothingIsTakenBack) {
  LeaveAFolderOfADeletedJob();

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_EQ(report->num_jobs, 1);
  EXPECT_THAT(report->losses, IsEmpty());
}

TEST_F(DatabaseRebuildTest, OfTwoDataSetsWithOneNameTheLaterIsTaken) {
  const auto datasets = state_directory() / "datasets";
  const auto insert = [&](const std::string& path) {
    DatasetRecord dataset;
    dataset.name = "birds";
    dataset.path = path;
    dataset.id = store().InsertDataset(dataset).value();
    std::filesystem::create_directories(datasets / std::to_string(dataset.id));
    EXPECT_OK(store().UpdateDataset(dataset));
  };
  insert("earlier");
  store_.reset();
  std::filesystem::copy(datasets / "1", dir_.path() / "kept");
  Reopen();
  ASSERT_OK(store().DeleteDataset("birds"));
  insert("later");
  store_.reset();
  std::filesystem::remove_all(datasets / "1");
  std::filesystem::copy(dir_.path() / "kept", datasets / "1");
  std::filesystem::remove(control_file());

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_THAT(report->losses, ElementsAre("data set 1: a later one has its name"));
  Reopen();
  EXPECT_EQ(store().FindDataset("birds")->path, "later");
}

TEST_F(DatabaseRebuildTest, WholeDatabasesAreLeftAlone) {
  FillStore();

  const auto report = RebuildDatabases(state_directory(), false, 1);

  ASSERT_OK(report);
  EXPECT_FALSE(report->has_new_control);
  EXPECT_FALSE(report->has_new_metrics);
}

TEST_F(DatabaseRebuildTest, BesideADaemonNothingIsRebuilt) {
  EXPECT_THAT(RebuildDatabases(state_directory(), true, 1), HasCode(Code::kFailedPrecondition));
}

TEST_F(DatabaseRebuildTest, TheReplacedFilesAreKept) {
  FillStore();
  std::ofstream(control_file()) << std::string(8192, 'x');

  const auto report = RebuildDatabases(state_directory(), false, 5);

  ASSERT_OK(report);
  EXPECT_EQ(ReadFile(report->old_files / "control.db").value(), std::string(8192, 'x'));
}

TEST_F(DatabaseRebuildTest, ARecordCanInsertRowsAndDoNothingElse) {
  const JobId id = Insert(SpecNamed("a"));
  store_.reset();
  SQLite::Database control(control_file().string(), SQLite::OPEN_READWRITE);
  const std::string record = row_dump::Dumper(control).Job(control, id);
  ASSERT_NE(record, "");
  EXPECT_OK(row_dump::Restore(control, record));
  std::string cut = record;
  cut.pop_back();
  EXPECT_THAT(row_dump::Restore(control, cut), HasCode(Code::kDataLoss));
  for (const std::string sql : {"DELETE FROM job;\n", "ATTACH DATABASE '/tmp/x' AS y;\n",
                                "INSERT INTO sqlite_sequence VALUES ('job', 9);\n",
                                "UPDATE job SET state = 8;\n", "DROP TABLE job;\n"}) {
    const std::string evil = row_dump::WithHead(sql);
    EXPECT_THROW(static_cast<void>(row_dump::Restore(control, evil)), SQLite::Exception) << sql;
  }
  EXPECT_EQ(control.execAndGet("SELECT state FROM job").getInt(), 1);
}

TEST(WalResetFaultTest, IsThatOfTheVersionsThatSqliteNames) {
  EXPECT_FALSE(HasWalResetFault(3'006'023));
  EXPECT_TRUE(HasWalResetFault(3'007'000));
  EXPECT_TRUE(HasWalResetFault(3'040'001));
  EXPECT_TRUE(HasWalResetFault(3'044'005));
  EXPECT_FALSE(HasWalResetFault(3'044'006));
  EXPECT_TRUE(HasWalResetFault(3'050'006));
  EXPECT_FALSE(HasWalResetFault(3'050'007));
  EXPECT_TRUE(HasWalResetFault(3'051'002));
  EXPECT_FALSE(HasWalResetFault(3'051'003));
}

}  // namespace
}  // namespace distill::server
