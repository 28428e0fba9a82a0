// Workers that stop, die and leave children behind: the row tells the truth, and nothing is left.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <random>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WorkerLife : public CrashLab {
 protected:
  bool BecomesStalled(const std::string& job, bool is_stalled) {
    return Eventually(kLimit, [&] {
      const auto found = Get(job);
      return found.ok() && (found->stalled_since_unix_ms() != 0) == is_stalled;
    });
  }
};

TEST_F(WorkerLife, AStoppedWorkerIsStalledNotFailedAndGoesOn) {
  AddArguments({"--worker-stalled-after-seconds", "1"});
  SetScript("started;beat go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job);

  ::kill(worker, SIGSTOP);
  ASSERT_TRUE(BecomesStalled(job, true));

  EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Ctl({"ls"}, folder() / "ls.out"), 0);
  EXPECT_THAT(ContentOf(folder() / "ls.out"), HasSubstr("(stalled "));
  EXPECT_EQ(Ctl({"show", job}, folder() / "show.out"), 0);
  EXPECT_THAT(ContentOf(folder() / "show.out"), HasSubstr("has told nothing since"));
  ::kill(worker, SIGCONT);
  EXPECT_TRUE(BecomesStalled(job, false));
  std::ofstream(RunDirectory(job, 1) / "go") << "";
  AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Get(job)->attempts_size(), 1);
}

TEST_F(WorkerLife, OrdersToStopLeaveAWorkerTimeForItsCheckpointAndThenNoMore) {
  // It tells its artifact after the order.
  SetScript("ignore_term;started;wait go;artifact last.ckpt;outcome 10 1 saved");
  set_stop_grace_seconds(60);
  ASSERT_TRUE(StartDaemon());
  for (const bool is_pause : {true, false}) {
    const std::string job = Submit(TrainRequest(), "")->id();
    AwaitState(job, v1::JOB_STATE_RUNNING);
    ASSERT_TRUE((is_pause ? Pause(job) : Cancel(job)).ok());
    EXPECT_EQ(Get(job)->state(), is_pause ? v1::JOB_STATE_PAUSING : v1::JOB_STATE_CANCELLING);
    std::ofstream(RunDirectory(job, 1) / "go") << "";
    AwaitState(job, is_pause ? v1::JOB_STATE_PAUSED : v1::JOB_STATE_CANCELLED);
    EXPECT_EQ(Ctl({"artifacts", job}, folder() / "artifacts.out"), 0);
    EXPECT_THAT(ContentOf(folder() / "artifacts.out"), HasSubstr("last.ckpt"));
    std::filesystem::remove(folder() / "artifacts.out");
  }
  EndDaemon(SIGTERM);
  set_stop_grace_seconds(1);
  ASSERT_TRUE(StartDaemon());
  const std::string stuck = Submit(TrainRequest(), "")->id();
  AwaitState(stuck, v1::JOB_STATE_RUNNING);

  ASSERT_TRUE(Cancel(stuck).ok());

  AwaitState(stuck, v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(Eventually(kLimit, [&] { return ProcessesIn(folder()).empty(); }));
}

TEST_F(WorkerLife, ChildrenOfAWorkerThatDiedWhileTheDaemonWasDownGoToo) {
  SetScript("started;child kid;wait go");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job);
  const pid_t child = std::stoi(AwaitFile(RunDirectory(job, 1) / "kid"));
  EndDaemon(SIGKILL);
  ::kill(worker, SIGKILL);
  ASSERT_TRUE(Eventually(kLimit, [&] { return !server::StartTicks(worker); }));
  ASSERT_TRUE(server::StartTicks(child));
  SetScript("started;outcome 8 0");

  ASSERT_TRUE(StartDaemon());

  AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(server::StartTicks(child));
}

TEST_F(WorkerLife, NoKillLeavesAProcessOrAJobThatNeverEnds) {
  SetScript("started;child kid;epochs 1 20;outcome 8 0");
  std::mt19937 random(Seed(7));
  std::vector<std::string> jobs;
  const int num_cycles = NumCycles(6);
  for (int cycle = 0; cycle < num_cycles && !HasFailure(); ++cycle) {
    ASSERT_TRUE(StartDaemon());
    v1::Job request = TrainRequest(std::to_string(cycle));
    // One may be hit again and again.
    request.mutable_retry()->set_max_interruptions(num_cycles);
    const auto job = Submit(request, "");
    ASSERT_TRUE(job.ok()) << job.status().ToString();
    jobs.push_back(job->id());
    // Somewhere in its life: before its worker, with it, or long after.
    const auto somewhere = std::chrono::milliseconds(random() % 100);
    Eventually(somewhere, [] { return false; });
    if (random() % 2 == 0) {
      for (const pid_t process : ProcessesIn(state())) {
        if (::getpgid(process) == process) ::kill(process, SIGKILL);
      }
    }
    EXPECT_EQ(EndDaemon(SIGKILL), 128 + SIGKILL);
  }

  ASSERT_TRUE(StartDaemon());
  for (const std::string& job : jobs) AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(Eventually(kLimit, [&] { return ProcessesIn(state()).empty(); }));
  EXPECT_EQ(HoldersOfTheDevice(), "");
}

TEST_F(WorkerLife, NothingOverwritesTheStateOfAJobThatHasEnded) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string done = Submit(TrainRequest("done"), "")->id();
  AwaitState(done, v1::JOB_STATE_RUNNING);
  std::ofstream(RunDirectory(done, 1) / "go") << "";
  AwaitState(done, v1::JOB_STATE_SUCCEEDED);
  const std::string before = Get(done)->DebugString();
  // An order, a journal that goes on and a worker that seems to live come too late.
  std::ofstream(RunDirectory(done, 1) / "order") << "cancel";
  ASSERT_TRUE(std::filesystem::copy_file(RunDirectory(done, 1) / "journal", folder() / "journal"));
  std::ofstream(RunDirectory(done, 1) / "journal", std::ios::app | std::ios::binary)
      << ContentOf(folder() / "journal");
  for (int i = 0; i < 3; ++i) {
    EndDaemon(SIGKILL);
    ASSERT_TRUE(StartDaemon());
    EXPECT_FALSE(Cancel(done).ok());
    EXPECT_FALSE(Pause(done).ok());
  }

  EXPECT_EQ(Get(done)->DebugString(), before);
}

}  // namespace
}  // namespace distill::testing
