#include <gmock/gmock.h>

#include <csignal>
#include <set>

#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::SizeIs;

using WorkerLoss = Lab;

TEST_F(WorkerLoss, AKilledWorkerIsReplacedAndTheJobResumesFromItsCheckpoint) {
  constexpr int kEpochs = 12;
  Train("job", "mobilenetv2", kEpochs);
  AwaitEpoch("job", 2);

  ::kill(-WorkerPid("job"), SIGKILL);
  AwaitSuccess("job");

  const nlohmann::json attempts = Job("job")["attempts"];
  ASSERT_THAT(attempts, SizeIs(2));
  EXPECT_EQ(attempts[0].value("state", ""), "JOB_STATE_INTERRUPTED");
  EXPECT_EQ(attempts[0].value("cause", ""), "CAUSE_WORKER_LOST");
  EXPECT_GE(attempts[1].value("resumed_from_epoch", 0), 1);
  const std::vector<int> epochs = EpochsOf("job", "val/accuracy");
  const std::vector<int> all = CountTo(kEpochs);
  EXPECT_EQ(std::set<int>(epochs.begin(), epochs.end()), std::set<int>(all.begin(), all.end()));
}

}  // namespace
}  // namespace distill::testing
