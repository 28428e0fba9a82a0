#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Delete : public CrashLab {
 protected:
  std::filesystem::path FolderOf(const std::string& job) const { return state() / "runs" / job; }

  std::string RunOne() {
    SetScript("started;epoch 1 0.5;artifact best.safetensors;outcome 8 0");
    const std::string job = Submit(TrainRequest(), "")->id();
    AwaitState(job, v1::JOB_STATE_SUCCEEDED);
    return job;
  }

  // Starts a daemon that dies at `fault`, and deletes a job until then.
  void DieDeleting(const std::string& job, const std::string& fault) {
    ASSERT_TRUE(StartDaemon(fault));
    EXPECT_NE(Ctl({"delete", job}, folder() / "ctl.out"), 0);
    EXPECT_EQ(EndDaemon(0), 128 + SIGKILL);
  }

  int Rebuild() { return Admin({"rebuild", "--all"}, folder() / "rebuild.out"); }
};

TEST_F(Delete, IsWholeThoughTheMetricsCannotBeRemovedNow) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();
  {
    SQLite::Database other((state() / "metrics.db").string(), SQLite::OPEN_READWRITE);
    const SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);

    EXPECT_EQ(Ctl({"delete", job}, folder() / "ctl.out"), 0) << ContentOf(folder() / "ctl.out");
  }
  EXPECT_EQ(Get(job).status().code(), Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(FolderOf(job)));
  EXPECT_THAT(DaemonLog(), HasSubstr("metrics of a deleted job not removed"));
  EndDaemon(SIGTERM);

  ASSERT_TRUE(StartDaemon());

  SQLite::Database metrics((state() / "metrics.db").string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(metrics.execAndGet("SELECT count(*) FROM metric_point").getInt(), 0);
}

TEST_F(Delete, KilledBeforeTheFilesWentIsFinishedAtTheNextStartAndNothingElseIsRemoved) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();
  EndDaemon(SIGTERM);
  DieDeleting(job, "delete.before_files");
  ASSERT_TRUE(std::filesystem::exists(FolderOf(job) / "record.sql"));
  const std::filesystem::path unknown = FolderOf("77") / "1" / "best.safetensors";
  std::filesystem::create_directories(unknown.parent_path());
  std::ofstream(unknown) << "a model";
  Admin({"doctor"}, folder() / "doctor.out");
  EXPECT_THAT(ContentOf(folder() / "doctor.out"), HasSubstr("of deleted jobs: " + job + ";"));
  EXPECT_THAT(ContentOf(folder() / "doctor.out"), HasSubstr("without a job in the database: 77;"));

  ASSERT_TRUE(StartDaemon());

  EXPECT_EQ(Get(job).status().code(), Code::kNotFound);
  EXPECT_TRUE(Eventually(kLimit, [&] { return !std::filesystem::exists(FolderOf(job)); }));
  EXPECT_TRUE(std::filesystem::exists(unknown));
}

TEST_F(Delete, KilledBeforeTheFilesWentIsNotTakenBackByARebuild) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();
  EndDaemon(SIGTERM);
  DieDeleting(job, "delete.before_files");

  ASSERT_EQ(Rebuild(), 0) << ContentOf(folder() / "rebuild.out");

  EXPECT_THAT(ContentOf(folder() / "rebuild.out"), Not(HasSubstr("lost:")));
  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(Get(job).status().code(), Code::kNotFound);
  EXPECT_TRUE(Eventually(kLimit, [&] { return !std::filesystem::exists(FolderOf(job)); }));
}

TEST_F(Delete, KilledBeforeItWasStoredLosesNothing) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();
  EndDaemon(SIGTERM);
  DieDeleting(job, "delete.before_commit");

  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_SUCCEEDED);
  EndDaemon(SIGKILL);
  ASSERT_EQ(Rebuild(), 0) << ContentOf(folder() / "rebuild.out");

  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(std::filesystem::exists(RunDirectory(job, 1) / "best.safetensors"));
}

}  // namespace
}  // namespace distill::testing
