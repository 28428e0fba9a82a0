#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/server/job/manager_fixture.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a daemon finds when it starts again. The job is made as the earlier daemon left it.
class RecoveryTest : public ManagerFixture {
 protected:
  void SetUp() override {
    ManagerFixture::SetUp();
    id_ = CreateRunning(Spec("a"));
    process_ = {store_->ListAttempts(id_)->front().pid,
                store_->ListAttempts(id_)->front().pid_start_ticks};
  }

  JobId id_ = 0;
  WorkerProcess process_;
};

TEST_F(RecoveryTest, RunningWorkerIsAdoptedWhereItsJournalWasLeft) {
  ASSERT_OK(launcher_->Emit(JobRun(id_), {WorkerNotice{"hello"}}));
  StopManager();

  StartManager();

  ASSERT_EQ(launcher_->adopted().size(), 1U);
  const auto [request, process] = launcher_->adopted()[0];
  EXPECT_EQ(request.key, JobRun(id_));
  EXPECT_EQ(request.run_directory, preparer_.RunDirectory(id_, 1));
  EXPECT_EQ(request.journal_offset, 200);
  EXPECT_EQ(process.pid, process_.pid);
  EXPECT_EQ(process.start_ticks, process_.start_ticks);
  EXPECT_EQ(Job(id_).state, JobState::kRunning);
  Succeed(JobRun(id_));
  EXPECT_EQ(Job(id_).state, JobState::kSucceeded);
  EXPECT_EQ(store_->ListAttempts(id_)->size(), 1U);
}

TEST_F(RecoveryTest, AdoptedWorkerHoldsItsDevice) {
  StopManager();
  StartManager();

  const JobId second = Create(Spec("b"));

  EXPECT_TRUE(Soon([&] { return !Job(second).message.empty(); }));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(second)));
}

TEST_F(RecoveryTest, WorkerLostWhileTheDaemonWasAwayIsStartedAgain) {
  StopManager();
  StartManager();

  launcher_->Exit(JobRun(id_), {});

  EXPECT_EQ(Job(id_).state, JobState::kQueued);
  EXPECT_EQ(Job(id_).num_interruptions, 1);
}

TEST_F(RecoveryTest, OutcomeStoredBeforeTheDaemonDiedCounts) {
  ASSERT_OK(launcher_->Emit(JobRun(id_),
                            {WorkerOutcome{JobState::kFailed, Cause::kOutOfMemory, "too large"}}));
  StopManager();
  StartManager();

  launcher_->Exit(JobRun(id_), {});

  EXPECT_EQ(Job(id_).state, JobState::kFailed);
  EXPECT_EQ(Job(id_).cause, Cause::kOutOfMemory);
}

TEST_F(RecoveryTest, EndThatWasStoredByHalfIsFinished) {
  StopManager();
  const Transition failed{JobState::kFailed, Cause::kDiverged, "worker", "loss is not a number"};
  ASSERT_OK(store_->FinishAttempt(id_, 1, failed, 5));

  StartManager();

  EXPECT_TRUE(Becomes(id_, JobState::kFailed));
  EXPECT_EQ(Job(id_).cause, Cause::kDiverged);
  EXPECT_THAT(launcher_->adopted(), IsEmpty());
}

TEST_F(RecoveryTest, InterruptedJobIsQueuedAgain) {
  StopManager();
  ASSERT_OK(store_->MoveJob(id_, JobState::kRunning,
                            {JobState::kInterrupted, Cause::kWorkerLost, "daemon", "lost"}, 5));

  StartManager();

  EXPECT_TRUE(HasStarted(JobRun(id_, 2)));
}

TEST_F(RecoveryTest, CancellationIsOrderedAgain) {
  ASSERT_OK(manager_->Cancel(id_, "user ann"));
  StopManager();

  StartManager();

  EXPECT_THAT(launcher_->stopped(), ElementsAre(JobRun(id_)));
  launcher_->Exit(JobRun(id_), {});
  EXPECT_EQ(Job(id_).state, JobState::kCancelled);
}

TEST_F(RecoveryTest, WorkerWhosePidWasNeverNotedIsFoundByItsFolder) {
  Succeed(JobRun(id_));
  StopManager();
  const JobId lost = store_->InsertJobs({Spec("b")}, "", "", 1)->front();
  ASSERT_OK(store_->StartAttempt(lost, {"cpu"}, 1));
  launcher_ = std::make_unique<testing::FakeWorkerLauncher>();
  launcher_->SetRunningIn(preparer_.RunDirectory(lost, 1), {4711, 99});
  CreateManager();

  ASSERT_OK(manager_->Start());

  EXPECT_EQ(launcher_->adopted().at(0).second.pid, 4711);
  EXPECT_EQ(store_->ListAttempts(lost)->front().pid, 4711);
  ASSERT_OK(launcher_->Emit(JobRun(lost), {WorkerStarted{0, 4, 10}}));
  EXPECT_EQ(Job(lost).state, JobState::kRunning);
}

TEST_F(RecoveryTest, AdoptedWorkerHoldsAllItsDevices) {
  Succeed(JobRun(id_));
  devices_.Set({testing::CpuDevice(), testing::CpuDevice(1)});
  JobSpec wide = Spec("wide");
  wide.num_devices = 2;
  const JobId id = CreateRunning(wide);
  EXPECT_THAT(Job(id).devices, ElementsAre("cpu", "cpu:1"));
  StopManager();

  StartManager();

  const JobId narrow = Create(Spec("narrow"));
  EXPECT_TRUE(Soon([&] { return !Job(narrow).message.empty(); }));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(narrow)));
  Succeed(JobRun(id));
  EXPECT_TRUE(HasStarted(JobRun(narrow)));
}

TEST_F(RecoveryTest, WideJobComesBackOnAsManyDevices) {
  Succeed(JobRun(id_));
  devices_.Set({testing::CpuDevice(), testing::CpuDevice(1)});
  JobSpec wide = Spec("wide");
  wide.num_devices = 2;
  const JobId id = CreateRunning(wide);

  launcher_->Exit(JobRun(id), {true, 0, SIGKILL});

  ASSERT_TRUE(HasStartedAfter(std::chrono::seconds(60), JobRun(id, 2)));
  EXPECT_THAT(store_->ListAttempts(id)->at(1).devices, ElementsAre("cpu", "cpu:1"));
}

TEST_F(RecoveryTest, StartThatNeverHappenedIsInterrupted) {
  Succeed(JobRun(id_));
  StopManager();
  const JobId lost = store_->InsertJobs({Spec("b")}, "", "", 1)->front();
  ASSERT_OK(store_->StartAttempt(lost, {"cpu"}, 1));
  StartManager();

  launcher_->Exit(JobRun(lost), {});

  EXPECT_EQ(Job(lost).state, JobState::kQueued);
  EXPECT_THAT(Course(lost), ElementsAre(JobState::kQueued, JobState::kStarting,
                                        JobState::kInterrupted, JobState::kQueued));
}

TEST_F(RecoveryTest, EventsTakenTwiceCountOnce) {
  ASSERT_OK(launcher_->Emit(JobRun(id_), {WorkerNotice{"hello"}}));
  StopManager();
  StartManager();
  RunEventBatch again;
  again.events = {{1, 1, WorkerStarted{0, 4, 10}}, {2, 1, WorkerNotice{"hello"}}};
  again.next_offset = 200;

  ASSERT_OK(manager_->OnEvents(JobRun(id_), 0, again));

  EXPECT_THAT(Course(id_), ElementsAre(JobState::kQueued, JobState::kStarting, JobState::kRunning,
                                       JobState::kRunning));  // the notice, once
}

}  // namespace
}  // namespace distill::server
