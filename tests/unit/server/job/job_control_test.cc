#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/server/job/manager_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const WorkerOutcome kPausedByOrder{JobState::kCancelled, Cause::kUser, "stopped by order: pause"};

class JobControlTest : public ManagerFixture {
 protected:
  // Lets the worker leave as it was told.
  void Leave(const RunKey& key) {
    EXPECT_OK(launcher_->Emit(key, {kPausedByOrder}));
    launcher_->Exit(key, {true, 10, 0});
  }
};

TEST_F(JobControlTest, PausedJobFreesItsDeviceAndGoesOnFromItsCheckpoint) {
  const JobId id = CreateRunning(Spec("a"));

  const auto pausing = manager_->Pause(id, "user ann");
  ASSERT_OK(pausing);
  EXPECT_EQ(pausing->state, JobState::kPausing);
  EXPECT_THAT(launcher_->orders(), ElementsAre(StopOrder::kPause));
  const JobId other = Create(Spec("b"));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(other)));  // the worker is still there
  Leave(JobRun(id));

  EXPECT_EQ(Job(id).state, JobState::kPaused);
  EXPECT_EQ(Job(id).cause, Cause::kUser);
  EXPECT_EQ(Job(id).num_interruptions, 0);
  EXPECT_TRUE(HasStarted(JobRun(other)));
  Succeed(JobRun(other));

  ASSERT_OK(manager_->Resume(id, "user ann"));

  EXPECT_TRUE(HasStarted(JobRun(id, 2)));
  EXPECT_EQ(preparer_.num_earlier(), 1U);
  EXPECT_THAT(Course(id), ElementsAre(JobState::kQueued, JobState::kStarting, JobState::kRunning,
                                      JobState::kPausing, JobState::kPaused, JobState::kQueued,
                                      JobState::kStarting));
}

TEST_F(JobControlTest, WaitingJobIsPausedAtOnceAndDoesNotStart) {
  const JobId running = CreateRunning(Spec("a"));
  const JobId id = Create(Spec("b"));

  ASSERT_OK(manager_->Pause(id, "user bob"));

  EXPECT_EQ(Job(id).state, JobState::kPaused);
  EXPECT_EQ(Job(id).message, "paused by user bob");
  Succeed(JobRun(running));
  EXPECT_TRUE(HasStarted(JobRun(Create(Spec("c")))));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(id)));
}

TEST_F(JobControlTest, JobThatStartsIsPausedToo) {
  const JobId id = Create(Spec("a"));
  ASSERT_TRUE(HasStarted(JobRun(id)));

  ASSERT_OK(manager_->Pause(id, "user ann"));
  ASSERT_OK(launcher_->Emit(JobRun(id), {WorkerStarted{0, 4, 10}}));
  EXPECT_EQ(Job(id).state, JobState::kPausing);
  Leave(JobRun(id));

  EXPECT_EQ(Job(id).state, JobState::kPaused);
}

TEST_F(JobControlTest, PausingTwiceIsNoErrorAndEndedJobsAreNotPaused) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Pause(id, "user ann"));
  ASSERT_OK(manager_->Pause(id, "user ann"));
  EXPECT_EQ(launcher_->stopped().size(), 1U);
  EXPECT_THAT(manager_->Resume(id, "user ann"), HasCode(Code::kFailedPrecondition));
  Leave(JobRun(id));
  ASSERT_OK(manager_->Pause(id, "user ann"));

  ASSERT_OK(manager_->Cancel(id, "user ann"));

  EXPECT_EQ(Job(id).state, JobState::kCancelled);
  EXPECT_THAT(manager_->Pause(id, "user ann"), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(manager_->Resume(id, "user ann"), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(manager_->Pause(99, "user ann"), HasCode(Code::kNotFound));
}

TEST_F(JobControlTest, CancelWinsOverAPause) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Pause(id, "user ann"));

  ASSERT_OK(manager_->Cancel(id, "user ann"));

  EXPECT_THAT(launcher_->orders(), ElementsAre(StopOrder::kPause, StopOrder::kCancel));
  EXPECT_THAT(manager_->Pause(id, "user ann"), HasCode(Code::kFailedPrecondition));
  Leave(JobRun(id));
  EXPECT_EQ(Job(id).state, JobState::kCancelled);
}

TEST_F(JobControlTest, JobThatEndsBeforeThePauseHasEnded) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Pause(id, "user ann"));

  Succeed(JobRun(id));

  EXPECT_EQ(Job(id).state, JobState::kSucceeded);
}

TEST_F(JobControlTest, RestartedDaemonOrdersThePauseAgain) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Pause(id, "user ann"));
  StopManager();

  StartManager();

  EXPECT_THAT(launcher_->orders(), ElementsAre(StopOrder::kPause));
  launcher_->Exit(JobRun(id), {});
  EXPECT_EQ(Job(id).state, JobState::kPaused);
}

TEST_F(JobControlTest, PausedJobStaysPausedAcrossARestart) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Pause(id, "user ann"));
  Leave(JobRun(id));
  StopManager();
  StartManager();
  EXPECT_EQ(Job(id).state, JobState::kPaused);

  ASSERT_OK(manager_->Resume(id, "user ann"));

  EXPECT_TRUE(HasStarted(JobRun(id, 2)));
}

}  // namespace
}  // namespace distill::server
