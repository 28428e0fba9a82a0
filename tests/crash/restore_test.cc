#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;

class Restore : public CrashLab {
 protected:
  std::filesystem::path backup() const { return folder() / "backup"; }

  // As deploy/README.md says, "Restore".
  void PutBackupInPlace() {
    EndDaemon(SIGTERM);
    for (const char* database : {"control.db", "metrics.db"}) {
      for (const char* end : {"-wal", "-shm"}) {
        std::filesystem::remove(state() / (std::string(database) + end));
      }
      std::filesystem::copy_file(backup() / database, state() / database,
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }

  void LetGo(const std::string& job) {
    AwaitState(job, v1::JOB_STATE_RUNNING);
    std::ofstream(RunDirectory(job, 1) / "go") << "go";
    AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  }
};

TEST_F(Restore, AJobThatTheBackupKnowsAsWaitingRunsInAFolderOfItsOwn) {
  SetScript("started;wait go;artifact best.safetensors;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string before = Submit(TrainRequest(), "")->id();
  const std::string waiting = Submit(TrainRequest(), "")->id();
  AwaitState(before, v1::JOB_STATE_RUNNING);
  ASSERT_EQ(Admin({"backup", backup().string()}, folder() / "backup.out"), 0);
  LetGo(before);
  LetGo(waiting);
  const std::string journal = ContentOf(RunDirectory(waiting, 1) / "journal");
  PutBackupInPlace();

  SetScript("started;outcome 9 3 diverged this time");
  ASSERT_TRUE(StartDaemon());

  AwaitState(before, v1::JOB_STATE_SUCCEEDED);  // its journal tells
  AwaitState(waiting, v1::JOB_STATE_FAILED);
  EXPECT_THAT(Get(waiting)->message(), HasSubstr("diverged this time"));
  EXPECT_EQ(ContentOf(RunDirectory(waiting, 1) / "journal"), journal);
  EXPECT_TRUE(std::filesystem::exists(RunDirectory(waiting, 2) / "journal"));
}

}  // namespace
}  // namespace distill::testing
