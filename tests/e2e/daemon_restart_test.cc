#include <gmock/gmock.h>

#include <csignal>

#include "tests/e2e/lab.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::SizeIs;

using DaemonRestart = Lab;

TEST_F(DaemonRestart, AKilledDaemonLosesNoMetricAndStoresNoneTwice) {
  constexpr int kEpochs = 12;
  Train("job", "mobilenetv2", kEpochs);
  AwaitEpoch("job", 2);
  const pid_t worker = WorkerPid("job");

  EndDaemon(SIGKILL);
  EXPECT_TRUE(IsRunning(worker));
  StartDaemon();
  AwaitSuccess("job");

  const nlohmann::json attempts = Job("job")["attempts"];
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(attempts[0].value("pid", 0), worker);
  EXPECT_EQ(EpochsOf("job", "train/loss"), CountTo(kEpochs));
  EXPECT_EQ(EpochsOf("job", "val/accuracy"), CountTo(kEpochs));
}

TEST_F(DaemonRestart, AJobThatEndsWithoutADaemonIsFoundSucceeded) {
  constexpr int kEpochs = 6;
  Train("job", "mobilenetv2", kEpochs);
  AwaitEpoch("job", 1);
  const pid_t worker = WorkerPid("job");

  EndDaemon(SIGKILL);
  ASSERT_TRUE(Eventually(std::chrono::seconds(120), [&] { return !IsRunning(worker); }));
  StartDaemon();
  AwaitSuccess("job");

  EXPECT_THAT(Job("job")["attempts"], SizeIs(1));
  EXPECT_EQ(EpochsOf("job", "val/accuracy"), CountTo(kEpochs));
}

TEST_F(DaemonRestart, SigtermEndsTheDaemonAndLeavesTheWorkerAtWork) {
  Train("long", "mobilenetv2", 10'000);
  AwaitEpoch("long", 1);
  const pid_t worker = WorkerPid("long");

  EXPECT_EQ(EndDaemon(SIGTERM), 0);

  EXPECT_TRUE(IsRunning(worker));
  StartDaemon();
  EXPECT_EQ(State("long"), "JOB_STATE_RUNNING");
  EXPECT_EQ(WorkerPid("long"), worker);
  CtlOk({"cancel", "--wait", "long"});
}

}  // namespace
}  // namespace distill::testing
