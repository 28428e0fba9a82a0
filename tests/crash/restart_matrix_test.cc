// What becomes of a job in each state when the daemon is killed and comes back at once, 5 s or a
// minute later by the machine's clock (tests/fakes/fake_time.cc moves it; nobody waits).
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::Combine;
using ::testing::Values;
using ::testing::ValuesIn;

struct Case {
  const char* name;
  const char* script;
  v1::JobState before;  // when the daemon is killed
  v1::JobState after;   // at the end
  int num_attempts;
};

constexpr char kWaits[] = "started;wait go;outcome 8 0";
constexpr char kStubborn[] = "ignore_term;started;wait go;outcome 10 1";

const Case kCases[] = {
    {"Queued", kWaits, v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED, 1},
    {"Starting", "wait go;started;outcome 8 0", v1::JOB_STATE_STARTING, v1::JOB_STATE_SUCCEEDED, 1},
    {"Running", kWaits, v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED, 1},
    {"Pausing", kStubborn, v1::JOB_STATE_PAUSING, v1::JOB_STATE_PAUSED, 1},
    {"Paused", kWaits, v1::JOB_STATE_PAUSED, v1::JOB_STATE_PAUSED, 1},
    {"Cancelling", kStubborn, v1::JOB_STATE_CANCELLING, v1::JOB_STATE_CANCELLED, 1},
    {"FinishedWhileDown", kWaits, v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED, 1},
    {"DiedWhileDown", kWaits, v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED, 2},
};

class RestartMatrix : public CrashLab, public ::testing::WithParamInterface<std::tuple<Case, int>> {
 protected:
  void SetUp() override {
    CrashLab::SetUp();
    set_stop_grace_seconds(60);
    if (std::get<1>(GetParam()) > 0 && !SetClock(0)) GTEST_SKIP() << "the clock cannot be moved";
  }

  void LetGo(const std::string& job) { std::ofstream(RunDirectory(job, 1) / "go") << ""; }

  // Makes a job and brings it into the state of the case.
  std::string Prepare(const Case& one) {
    SetScript(one.script);
    if (one.before == v1::JOB_STATE_QUEUED) {
      blocker_ = Submit(TrainRequest("blocker"), "")->id();
      AwaitState(blocker_, v1::JOB_STATE_RUNNING);
    }
    const std::string job = Submit(TrainRequest(one.name), "")->id();
    if (one.before == v1::JOB_STATE_QUEUED) return job;
    AwaitWorker(job);
    if (one.before == v1::JOB_STATE_STARTING) return job;
    AwaitState(job, v1::JOB_STATE_RUNNING);
    if (one.before == v1::JOB_STATE_PAUSING || one.before == v1::JOB_STATE_PAUSED) {
      EXPECT_TRUE(Pause(job).ok());
    } else if (one.before == v1::JOB_STATE_CANCELLING) {
      EXPECT_TRUE(Cancel(job).ok());
    }
    AwaitState(job, one.before);
    return job;
  }

  // What happens to the worker while nobody looks.
  void PassDowntime(const Case& one, const std::string& job) {
    const std::string name = one.name;
    if (name != "FinishedWhileDown" && name != "DiedWhileDown") return;
    const pid_t worker = AwaitWorker(job);
    if (name == "FinishedWhileDown") {
      LetGo(job);
    } else {
      SetScript("started;outcome 8 0");
      ::kill(worker, SIGKILL);
    }
    EXPECT_TRUE(Eventually(std::chrono::seconds(20), [&] { return !server::StartTicks(worker); }));
  }

  std::string blocker_;
};

TEST_P(RestartMatrix, JobAndDeviceEndAsTheyShould) {
  const auto& [one, seconds_down] = GetParam();
  ASSERT_TRUE(StartDaemon());
  const std::string job = Prepare(one);
  ASSERT_EQ(EndDaemon(SIGKILL), 128 + SIGKILL);
  PassDowntime(one, job);
  ASSERT_TRUE(seconds_down == 0 || SetClock(seconds_down));

  ASSERT_TRUE(StartDaemon());
  if (!blocker_.empty()) {
    AwaitState(blocker_, v1::JOB_STATE_RUNNING);
    LetGo(blocker_);
    AwaitState(job, v1::JOB_STATE_RUNNING);
  }
  if (one.num_attempts == 1 && one.before != v1::JOB_STATE_PAUSED) LetGo(job);

  AwaitState(job, one.after);
  const auto found = Get(job);
  EXPECT_EQ(found->attempts_size(), one.num_attempts);
  EXPECT_TRUE(Eventually(std::chrono::seconds(20), [&] { return HoldersOfTheDevice().empty(); }))
      << HoldersOfTheDevice();
  EXPECT_TRUE(Eventually(std::chrono::seconds(20), [&] { return ProcessesIn(folder()).empty(); }));
}

INSTANTIATE_TEST_SUITE_P(Down, RestartMatrix, Combine(ValuesIn(kCases), Values(0, 5, 60)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "For" +
                                  std::to_string(std::get<1>(test.param)) + "Seconds";
                         });

using HostileClock = CrashLab;

TEST_F(HostileClock, AClockThatJumpsBackAndForthLosesNothingAndHoldsNothingUp) {
  if (!SetClock(0)) GTEST_SKIP() << "the clock cannot be moved";
  ASSERT_TRUE(StartDaemon());
  constexpr int kDay = 86'400;
  std::vector<std::string> jobs;
  for (const int seconds : {365 * kDay, -30 * kDay, 0, -3'000 * kDay, 3 * kDay}) {
    ASSERT_TRUE(SetClock(seconds));
    // The first attempt dies: the delay before the next must not depend on the clock.
    SetScript("started;epoch 1 0.5;kill");
    jobs.push_back(Submit(TrainRequest(std::to_string(seconds)), "")->id());
    AwaitWorker(jobs.back());
    SetScript("started 1;epoch 2 0.6;outcome 8 0");
    AwaitState(jobs.back(), v1::JOB_STATE_SUCCEEDED);
  }
  EndDaemon(SIGKILL);
  ASSERT_TRUE(SetClock(-40 * kDay));
  ASSERT_TRUE(StartDaemon());

  for (const std::string& job : jobs) {
    EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_SUCCEEDED);
    EXPECT_EQ(Metrics(job)->series(0).points_size(), 2);
  }
  EXPECT_EQ(Admin({"doctor"}, folder() / "doctor.out"), 0) << ContentOf(folder() / "doctor.out");
}

}  // namespace
}  // namespace distill::testing
