#include <gmock/gmock.h>

#include <csignal>

#include "tests/e2e/lab.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// The CPU as two devices.
class SeveralDevices : public Lab {
 protected:
  void SetUp() override {
    SetDaemonFlags({"--cpu-devices", "2"});
    Lab::SetUp();
  }

  bool Becomes(const std::string& name, const std::string& state) {
    return Eventually(std::chrono::seconds(120), [&] { return State(name) == state; });
  }
  int64_t StartOf(const std::string& name) {
    return std::stoll(Job(name).value("started_at_unix_ms", "0"));
  }
};

TEST_F(SeveralDevices, AKilledJobOnTwoDevicesGoesOnFromItsCheckpointOnTwo) {
  constexpr int kEpochs = 6;
  const nlohmann::json both = {"cpu", "cpu:1"};
  Train("wide", "mobilenetv2", kEpochs, {"--devices", "2"});
  AwaitEpoch("wide", 2);
  EXPECT_EQ(Job("wide")["devices"], both);
  EXPECT_THAT(CtlOk({"ls"}), HasSubstr("cpu,cpu:1"));
  EXPECT_THAT(CtlOk({"devices"}), HasSubstr("cpu:1"));

  ::kill(-WorkerPid("wide"), SIGKILL);
  AwaitSuccess("wide");

  const nlohmann::json job = Job("wide");
  ASSERT_THAT(job["attempts"], SizeIs(2));
  EXPECT_EQ(job["attempts"][1]["devices"], both);
  EXPECT_GE(job["attempts"][1].value("resumed_from_epoch", 0), 2);
  EXPECT_EQ(EpochsOf("wide", "val/accuracy"), CountTo(kEpochs));
}

TEST_F(SeveralDevices, AKilledDaemonFindsAJobOnTwoDevicesAgain) {
  Train("wide", "mobilenetv2", 8, {"--devices", "2"});
  AwaitEpoch("wide", 1);
  const pid_t worker = WorkerPid("wide");

  EndDaemon(SIGKILL);
  StartDaemon();

  EXPECT_EQ(WorkerPid("wide"), worker);
  Train("narrow", "mobilenetv2", 1);
  AwaitSuccess("wide");
  AwaitSuccess("narrow");
  EXPECT_THAT(Job("wide")["attempts"], SizeIs(1));
}

TEST_F(SeveralDevices, AShortJobGoesRoundAWideOneAndALongOneDoesNot) {
  Train("first", "mobilenetv2", 10'000, {"--device", "cpu", "--time-limit", "1h"});
  AwaitEpoch("first", 1);
  Train("wide", "mobilenetv2", 1, {"--devices", "2"});
  Train("long", "mobilenetv2", 1);
  Train("short", "mobilenetv2", 1, {"--time-limit", "1m"});

  AwaitSuccess("short");  // its limit ends long before that of the first one

  EXPECT_EQ(State("wide"), "JOB_STATE_QUEUED");
  EXPECT_EQ(State("long"), "JOB_STATE_QUEUED") << "nobody knows when it ends";
  EXPECT_THAT(CtlOk({"why", "wide"}), HasSubstr("waits for 2 devices"));
  EXPECT_THAT(CtlOk({"why", "long"}), HasSubstr("kept for job"));
  EXPECT_THAT(CtlOk({"ls"}), HasSubstr("2 wanted"));
  CtlOk({"cancel", "--wait", "first"});
  AwaitSuccess("wide");
  AwaitSuccess("long");
  EXPECT_LT(StartOf("wide"), StartOf("long"));
}

}  // namespace
}  // namespace distill::testing
