#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

void Flip(const std::filesystem::path& path, int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 0x40);
  file.seekp(at);
  file.put(byte);
}

class Damage : public CrashLab {
 protected:
  // Stops the daemon in good order, so that all lies in the database's own file, and spoils that.
  void SpoilControl() {
    EndDaemon(SIGTERM);
    const std::filesystem::path control = state() / "control.db";
    std::fstream file(control, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(control);
    for (auto page = 2U; page < size / 4096U; ++page) {
      file.seekp(static_cast<std::streamoff>(page * 4096U));
      file << std::string(64, '\xA5');
    }
  }
};

TEST_F(Damage, OfADatabaseIsServedReadOnlyWithTheRemedyAndTheWorkerGoesOn) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  ASSERT_EQ(Health(), kServing);
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job);
  const std::filesystem::path backup = folder() / "backup";
  ASSERT_EQ(Admin({"backup", backup.string() + "/"}, folder() / "backup.out"), 0);
  SpoilControl();

  ASSERT_TRUE(StartDaemon());

  EXPECT_EQ(Health(), kNotServing);
  EXPECT_THAT(Trouble(), AllOf(HasSubstr("control.db"), HasSubstr("distilld rebuild"),
                               HasSubstr("newest backup: " + backup.string() + " of ")));
  const auto refused = Submit(TrainRequest(), "");
  EXPECT_EQ(refused.status().code(), Code::kDataLoss) << refused.status().ToString();
  EXPECT_EQ(Ctl({"version"}, folder() / "ctl.out"), 0);
  EXPECT_THAT(ContentOf(folder() / "ctl.out"), HasSubstr("distilld rebuild"));
  EXPECT_THAT(DaemonLog(), HasSubstr("serving read-only"));
  EXPECT_TRUE(server::StartTicks(worker));
  EXPECT_EQ(Admin({"doctor"}, folder() / "doctor.out"), 1);
  EXPECT_THAT(ContentOf(folder() / "doctor.out"), HasSubstr("error    control.db"));
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
}

TEST_F(Damage, OfACutDatabaseIsFoundAndServedReadOnly) {
  ASSERT_TRUE(StartDaemon());
  AwaitState(Submit(TrainRequest(), "")->id(), v1::JOB_STATE_SUCCEEDED);
  EndDaemon(SIGTERM);
  const std::filesystem::path control = state() / "control.db";
  const auto size = std::filesystem::file_size(control);
  for (const auto left : {size - 4096, size / 2 + 100, uintmax_t{100}}) {
    SCOPED_TRACE(left);
    std::filesystem::copy_file(control, folder() / "whole.db");
    std::filesystem::resize_file(control, left);

    ASSERT_TRUE(StartDaemon());
    EXPECT_EQ(Health(), kNotServing);
    EXPECT_THAT(Trouble(), AllOf(HasSubstr("control.db"), HasSubstr("distilld rebuild")));
    EXPECT_EQ(EndDaemon(SIGTERM), 0);

    for (const char* end : {"-wal", "-shm", "-damaged"}) {
      std::filesystem::remove(state() / (std::string("control.db") + end));
    }
    std::filesystem::rename(folder() / "whole.db", control);
  }
}

TEST_F(Damage, OfTheMetricsLeavesTheJobsReadable) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EndDaemon(SIGTERM);
  std::ofstream(state() / "metrics.db") << std::string(8192, 'x');

  ASSERT_TRUE(StartDaemon());

  EXPECT_EQ(Health(), kNotServing);
  EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(Damage, OfTheWriteAheadLogIsFoundBeforeAnythingAcknowledgedIsForgotten) {
  const std::filesystem::path log = state() / "control.db-wal";
  constexpr int kPlaces = 3;
  for (int i = 0; i < kPlaces; ++i) {
    ASSERT_TRUE(StartDaemon());
    AwaitState(Submit(TrainRequest(), "")->id(), v1::JOB_STATE_SUCCEEDED);
    EndDaemon(SIGKILL);
    const auto size = static_cast<int64_t>(std::filesystem::file_size(log));
    const int64_t place = i == kPlaces - 1 ? size - 100 : size * (i + 1) / 4;
    SCOPED_TRACE(place);
    Flip(log, place);
    // Found once, found for good, although to read the log changes what tells of it.
    for (int start = 0; start < 2; ++start) {
      ASSERT_TRUE(StartDaemon());
      EXPECT_THAT(Trouble(), HasSubstr("write-ahead log"));
      EndDaemon(SIGKILL);
    }
    Flip(log, place);
    ASSERT_TRUE(std::filesystem::remove(state() / "control.db-damaged"));
  }

  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(Trouble(), "");
  EXPECT_THAT(*ListAll(), SizeIs(kPlaces));
}

TEST_F(Damage, OfACutWriteAheadLogIsFound) {
  ASSERT_TRUE(StartDaemon());
  AwaitState(Submit(TrainRequest(), "")->id(), v1::JOB_STATE_SUCCEEDED);
  EndDaemon(SIGKILL);
  const std::filesystem::path log = state() / "control.db-wal";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);

  ASSERT_TRUE(StartDaemon());

  EXPECT_EQ(Health(), kNotServing);
  EXPECT_THAT(Trouble(), HasSubstr("write-ahead log"));
}

TEST_F(Damage, OfAJournalCostsOneAttemptAndNoJob) {
  SetScript("started;epoch 1 0.5;damaged;epoch 2 0.6;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  SetScript("started 1;epoch 2 0.7;outcome 8 0");
  std::ofstream(RunDirectory(job, 1) / "go") << "";

  AwaitState(job, v1::JOB_STATE_SUCCEEDED);

  const auto found = Get(job);
  ASSERT_EQ(found->attempts_size(), 2);
  EXPECT_EQ(found->attempts(0).cause(), v1::CAUSE_WORKER_LOST);
  const auto metrics = Metrics(job);
  ASSERT_EQ(metrics->series_size(), 1);
  EXPECT_EQ(metrics->series(0).points_size(), 2);
}

TEST_F(Damage, OfAJournalThatEndsInTheMiddleOfAnEventCostsOneAttemptAndNoJob) {
  SetScript("started;epoch 1 0.5;torn;wait go;kill");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  SetScript("started 1;epoch 2 0.7;outcome 8 0");
  std::ofstream(RunDirectory(job, 1) / "go") << "";

  AwaitState(job, v1::JOB_STATE_SUCCEEDED);

  EXPECT_EQ(Get(job)->attempts_size(), 2);
  EXPECT_EQ(Metrics(job)->series(0).points_size(), 2);
}

TEST_F(Damage, OneFlippedByteAnywhereInADatabaseNeverStopsTheDaemonFromAnswering) {
  ASSERT_TRUE(StartDaemon());
  AwaitState(Submit(TrainRequest(), "")->id(), v1::JOB_STATE_SUCCEEDED);
  EndDaemon(SIGTERM);
  const std::filesystem::path control = state() / "control.db";
  const auto size = static_cast<int64_t>(std::filesystem::file_size(control));
  const int num_places = NumCycles(8);
  for (int i = 0; i < num_places; ++i) {
    const int64_t place = 100 + (size - 100) * i / num_places;
    SCOPED_TRACE(place);
    std::filesystem::copy_file(control, folder() / "whole.db",
                               std::filesystem::copy_options::overwrite_existing);
    Flip(control, place);

    ASSERT_TRUE(StartDaemon());
    EXPECT_NE(Info().status().code(), Code::kUnavailable);
    EXPECT_NE(ListAll().status().code(), Code::kUnavailable);
    EXPECT_EQ(EndDaemon(SIGTERM), 0);

    for (const char* end : {"-wal", "-shm"}) {
      std::filesystem::remove(state() / (std::string("control.db") + end));
    }
    std::filesystem::rename(folder() / "whole.db", control);
  }
}

using Schema = CrashLab;

TEST_F(Schema, OfANewerVersionIsRefusedWithWhatToDo) {
  ASSERT_TRUE(StartDaemon());
  EndDaemon(SIGTERM);
  SQLite::Database((state() / "control.db").string(), SQLite::OPEN_READWRITE)
      .exec("INSERT INTO schema_migration VALUES (999, '0999_future', 'x', 1)");

  ASSERT_EQ(Admin({"--listen", "127.0.0.1:0"}, folder() / "refused.log"), 4);

  EXPECT_THAT(ContentOf(folder() / "refused.log"), HasSubstr("start the newer version again"));
}

}  // namespace
}  // namespace distill::testing
