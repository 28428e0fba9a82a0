#include "server/job/job_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/unit/server/job/manager_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobManagerTest : public ManagerFixture {};

TEST_F(JobManagerTest, JobRunsToItsEnd) {
  const JobId id = CreateRunning(Spec("a"));
  EXPECT_EQ(Job(id).state, JobState::kRunning);

  Succeed(JobRun(id));

  EXPECT_EQ(Job(id).state, JobState::kSucceeded);
  EXPECT_THAT(Course(id), ElementsAre(JobState::kQueued, JobState::kStarting, JobState::kRunning,
                                      JobState::kSucceeded));
  const AttemptRecord attempt = store_->ListAttempts(id)->front();
  EXPECT_EQ(attempt.state, JobState::kSucceeded);
  EXPECT_THAT(attempt.devices, ElementsAre("cpu"));
  EXPECT_GT(attempt.pid, 0);
  EXPECT_EQ(attempt.finished_at_unix_ms, clock_.UnixMillis());
}

TEST_F(JobManagerTest, SecondJobWaitsForTheDeviceAndSaysSo) {
  const JobId first = CreateRunning(Spec("a"));
  const JobId second = Create(Spec("b"));
  EXPECT_TRUE(
      Soon([&] { return Job(second).message.Plain().find("waits for a free device") == 0; }));

  Succeed(JobRun(first));

  EXPECT_TRUE(HasStarted(JobRun(second)));
  EXPECT_EQ(Job(second).message.Plain(), "");
}

TEST_F(JobManagerTest, FailureOfTheWorkerIsTheJobs) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(launcher_->Emit(
      JobRun(id), {WorkerOutcome{JobState::kFailed, Cause::kDiverged, "loss is not a number"}}));
  EXPECT_EQ(Job(id).state, JobState::kRunning);  // the process is still there

  launcher_->Exit(JobRun(id), {true, 15, 0});

  EXPECT_EQ(Job(id).state, JobState::kFailed);
  EXPECT_EQ(Job(id).cause, Cause::kDiverged);
  EXPECT_EQ(Job(id).message.Plain(), "loss is not a number");
}

TEST_F(JobManagerTest, LostWorkerIsStartedAgainAfterADelay) {
  const JobId id = CreateRunning(Spec("a"));

  launcher_->Exit(JobRun(id), {true, 0, SIGKILL});

  EXPECT_EQ(Job(id).state, JobState::kQueued);
  EXPECT_EQ(Job(id).cause, Cause::kWorkerLost);
  EXPECT_THAT(Job(id).message.Plain(), HasSubstr("signal 9 (SIGKILL)"));
  EXPECT_EQ(Job(id).num_interruptions, 1);
  EXPECT_FALSE(launcher_->HasStarted(JobRun(id, 2)));
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(HasStarted(JobRun(id, 2)));
  EXPECT_EQ(preparer_.num_earlier(), 1U);
  EXPECT_THAT(Course(id),
              ElementsAre(JobState::kQueued, JobState::kStarting, JobState::kRunning,
                          JobState::kInterrupted, JobState::kQueued, JobState::kStarting));
}

TEST_F(JobManagerTest, AttemptThatHadAnEpochDoneIsFollowedAsSoonAsTheFirst) {
  JobSpec spec = Spec("a");
  spec.max_interruptions = 10;
  const JobId id = Create(spec);
  ASSERT_TRUE(HasStarted(JobRun(id)));
  // One, two and four seconds after attempts without an epoch.
  for (int attempt = 1; attempt <= 3; ++attempt) {
    launcher_->Exit(JobRun(id, attempt), {true, 0, SIGKILL});
    ASSERT_TRUE(HasStartedAfter(std::chrono::seconds(1 << (attempt - 1)), JobRun(id, attempt + 1)));
  }

  ASSERT_OK(
      launcher_->Emit(JobRun(id, 4), {WorkerStarted{0, 5, 10}, EpochEnd{1, 10, {}, false, 0}}));
  launcher_->Exit(JobRun(id, 4), {true, 0, SIGKILL});

  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(HasStarted(JobRun(id, 5)));
}

TEST_F(JobManagerTest, JobThatIsInterruptedTooOftenFails) {
  const JobId id = Create(Spec("a"));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(HasStarted(JobRun(id, attempt)));
    launcher_->Exit(JobRun(id, attempt), {true, 0, SIGSEGV});
    clock_.Advance(std::chrono::minutes(1));
  }

  EXPECT_EQ(Job(id).state, JobState::kFailed);
  EXPECT_EQ(Job(id).cause, Cause::kWorkerLost);
  EXPECT_THAT(Job(id).message.Plain(), HasSubstr("given up after interruption 3"));
}

TEST_F(JobManagerTest, WorkerThatCannotBeStartedIsTriedAgain) {
  launcher_->FailNextStarts(1);
  const JobId id = Create(Spec("a"));
  ASSERT_TRUE(Soon([&] { return Job(id).num_interruptions == 1; }));

  EXPECT_TRUE(HasStartedAfter(std::chrono::seconds(1), JobRun(id, 2)));
}

TEST_F(JobManagerTest, MissingCheckpointFailsTheJobAndFreesTheDevice) {
  preparer_.FailNext({Code::kFailedPrecondition, "no checkpoint: best.ckpt of job 1"});
  const JobId id = Create(Spec("a"));

  ASSERT_TRUE(Becomes(id, JobState::kFailed));

  EXPECT_EQ(Job(id).cause, Cause::kDependencyFailed);
  EXPECT_THAT(Job(id).message.Plain(), HasSubstr("best.ckpt"));
  EXPECT_EQ(store_->ListAttempts(id)->front().state, JobState::kFailed);
  EXPECT_TRUE(HasStarted(JobRun(Create(Spec("b")))));
}

TEST_F(JobManagerTest, AFullDiskPutsAStartOffAndFailsNoJob) {
  preparer_.FailNext({Code::kResourceExhausted, "disk full"});
  const JobId id = Create(Spec("a"));

  ASSERT_TRUE(testing::Eventually(std::chrono::seconds(10),
                                  [&] { return Job(id).num_interruptions == 1; }));

  ASSERT_TRUE(Becomes(id, JobState::kQueued));
  EXPECT_EQ(Job(id).cause, Cause::kStorage);
}

TEST_F(JobManagerTest, CancelledJobEndsWhenItsWorkerIsGone) {
  const JobId id = CreateRunning(Spec("a"));

  const auto cancelled = manager_->Cancel(id, "user bob");

  ASSERT_OK(cancelled);
  EXPECT_EQ(cancelled->state, JobState::kCancelling);
  EXPECT_THAT(launcher_->stopped(), ElementsAre(JobRun(id)));
  ASSERT_OK(manager_->Cancel(id, "user bob"));
  EXPECT_EQ(launcher_->stopped().size(), 1U);
  launcher_->Exit(JobRun(id), {true, 0, SIGKILL});
  EXPECT_EQ(Job(id).state, JobState::kCancelled);
  EXPECT_EQ(Job(id).cause, Cause::kUser);
  ASSERT_OK(manager_->Cancel(id, "user bob"));
}

TEST_F(JobManagerTest, SuccessJustBeforeTheCancelIsKept) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(manager_->Cancel(id, "user bob"));

  Succeed(JobRun(id));

  EXPECT_EQ(Job(id).state, JobState::kSucceeded);
  EXPECT_THAT(manager_->Cancel(id, "user bob"), HasCode(Code::kFailedPrecondition));
}

TEST_F(JobManagerTest, QueuedJobIsCancelledAtOnceAndNeverStarts) {
  const JobId running = CreateRunning(Spec("a"));
  const JobId id = Create(Spec("b"));

  ASSERT_OK(manager_->Cancel(id, "user bob"));

  EXPECT_EQ(Job(id).state, JobState::kCancelled);
  Succeed(JobRun(running));
  EXPECT_TRUE(HasStarted(JobRun(Create(Spec("c")))));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(id)));
}

TEST_F(JobManagerTest, WorkerStoppedBySomebodyElseResumes) {
  const JobId id = CreateRunning(Spec("a"));
  ASSERT_OK(launcher_->Emit(JobRun(id), {WorkerOutcome{JobState::kCancelled, Cause::kUser, ""}}));

  launcher_->Exit(JobRun(id), {true, 10, 0});

  EXPECT_EQ(Job(id).state, JobState::kQueued);
  EXPECT_THAT(Job(id).message.Plain(), HasSubstr("somebody else"));
}

TEST_F(JobManagerTest, UnknownJobIsNotFound) {
  EXPECT_THAT(manager_->Cancel(99, "x"), HasCode(Code::kNotFound));
  EXPECT_THAT(manager_->Requeue(99, "x"), HasCode(Code::kNotFound));
  EXPECT_THAT(manager_->Delete(99), HasCode(Code::kNotFound));
}

TEST_F(JobManagerTest, StudentStartsWhenItsTeacherSucceeded) {
  const JobId teacher = CreateRunning(Spec("teacher"));
  const JobId student = Create(Spec("student", {teacher}));
  EXPECT_TRUE(Soon([&] {
    return Job(student).message.Plain() ==
           "waits for job " + std::to_string(teacher) + ", which is RUNNING";
  }));

  Succeed(JobRun(teacher));

  EXPECT_TRUE(HasStarted(JobRun(student)));
}

TEST_F(JobManagerTest, StudentOfAFailedTeacherIsBlockedUntilTheTeacherIsQueuedAgain) {
  const JobId teacher = CreateRunning(Spec("teacher"));
  const JobId student = Create(Spec("student", {teacher}));
  ASSERT_OK(manager_->Cancel(teacher, "user ann"));
  launcher_->Exit(JobRun(teacher), {true, 10, 0});
  EXPECT_TRUE(Soon([&] { return Job(student).message.Plain().find("blocked: needs job") == 0; }));
  EXPECT_EQ(Job(student).state, JobState::kQueued);

  ASSERT_OK(manager_->Requeue(teacher, "user ann"));
  ASSERT_TRUE(HasStarted(JobRun(teacher, 2)));
  ASSERT_OK(launcher_->Emit(JobRun(teacher, 2), {WorkerStarted{1, 4, 10}}));
  Succeed(JobRun(teacher, 2));

  EXPECT_TRUE(HasStarted(JobRun(student)));
}

TEST_F(JobManagerTest, OnlyFailedOrCancelledJobsAreQueuedAgain) {
  const JobId id = CreateRunning(Spec("a"));
  EXPECT_THAT(manager_->Requeue(id, "x"), HasCode(Code::kFailedPrecondition));
  Succeed(JobRun(id));
  EXPECT_THAT(manager_->Requeue(id, "x"), HasCode(Code::kFailedPrecondition));
}

TEST_F(JobManagerTest, DeletedJobLeavesNoFiles) {
  const JobId id = CreateRunning(Spec("a"));
  EXPECT_THAT(manager_->Delete(id), HasCode(Code::kFailedPrecondition));
  Succeed(JobRun(id));
  ASSERT_TRUE(std::filesystem::exists(preparer_.RunDirectory(id, 1)));

  EXPECT_EQ(manager_->Delete(id).value(), std::nullopt);

  EXPECT_FALSE(std::filesystem::exists(preparer_.JobDirectory(id)));
  EXPECT_THAT(store_->FindJob(id), HasCode(Code::kNotFound));
}

TEST_F(JobManagerTest, TeacherOfAWaitingStudentIsNotDeleted) {
  const JobId teacher = CreateRunning(Spec("teacher"));
  const JobId student = Create(Spec("student", {teacher}));
  ASSERT_OK(manager_->Cancel(teacher, "x"));
  launcher_->Exit(JobRun(teacher), {true, 10, 0});

  EXPECT_EQ(manager_->Delete(teacher).value(), student);
  EXPECT_OK(store_->FindJob(teacher));
}

TEST_F(JobManagerTest, SameRequestTwiceMakesOneJob) {
  const auto first = manager_->CreateJobs({Spec("a")}, "request", "sum");
  const auto second = manager_->CreateJobs({Spec("a")}, "request", "sum");

  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(first->front().id, second->front().id);
  EXPECT_THAT(manager_->CreateJobs({Spec("b")}, "request", "other"),
              HasCode(Code::kInvalidArgument));
}

TEST_F(JobManagerTest, FullQueueTakesNothing) {
  CreateRunning(Spec("runs"));
  std::vector<JobSpec> six;
  for (int i = 0; i < 6; ++i) six.push_back(Spec("job" + std::to_string(i)));

  EXPECT_THAT(manager_->CreateJobs(six, "", ""), HasCode(Code::kResourceExhausted));

  six.pop_back();
  EXPECT_OK(manager_->CreateJobs(six, "", ""));
}

TEST_F(JobManagerTest, SubmitsThatComeTogetherFillTheQueueToItsLimitAndNoFurther) {
  CreateRunning(Spec("runs"));
  constexpr int kThreads = 16;
  std::atomic<int> num_made = 0;
  std::atomic<int> num_refused = 0;
  std::vector<std::thread> threads;
  for (int index = 0; index < kThreads; ++index) {
    threads.emplace_back([&, index] {
      const auto jobs = manager_->CreateJobs({Spec("job" + std::to_string(index))}, "", "");
      if (jobs.ok() && jobs->front().spec.name == "job" + std::to_string(index)) ++num_made;
      if (jobs.status().code() == Code::kResourceExhausted) ++num_refused;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(num_made, 5);
  EXPECT_EQ(num_refused, kThreads - 5);
}

TEST_F(JobManagerTest, SameRequestAtTheSameMomentMakesOneJob) {
  CreateRunning(Spec("runs"));
  constexpr int kThreads = 16;
  std::vector<JobId> ids(kThreads);
  std::vector<std::thread> threads;
  for (int index = 0; index < kThreads; ++index) {
    threads.emplace_back([&, index] {
      const auto jobs = manager_->CreateJobs({Spec("a")}, "request", "sum");
      EXPECT_OK(jobs);
      if (jobs.ok()) ids[static_cast<size_t>(index)] = jobs->front().id;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(ids, ::testing::Each(ids.front()));
}

TEST_F(JobManagerTest, EndIsEstimatedFromEpochsAloneWhereTheyAreTooShortForSteps) {
  launcher_->SetEventTime(1'000);
  const JobId id = CreateRunning(Spec("a"));
  launcher_->SetEventTime(1'500);

  ASSERT_OK(launcher_->Emit(JobRun(id), {EpochEnd{1, 10, {}, false, 0}}));

  // One of four epochs in half a second: three more.
  EXPECT_EQ(Job(id).progress.eta_unix_ms, 1'500 + 1'500);
}

TEST_F(JobManagerTest, EndIsEstimatedFromTheRateSoFar) {
  launcher_->SetEventTime(1'000);
  const JobId id = CreateRunning(Spec("a"));
  launcher_->SetEventTime(11'000);

  ASSERT_OK(launcher_->Emit(JobRun(id), {StepProgress{{0, 0, 5, 10, 64.0, 0, "train"}, {}}}));

  // Half an epoch in 10 s: 3.5 epochs are left.
  EXPECT_EQ(Job(id).progress.eta_unix_ms, 11'000 + 70'000);
  EXPECT_EQ(Job(id).progress.num_epochs, 4);
  EXPECT_EQ(Job(id).progress.images_per_second, 64.0);
}

TEST_F(JobManagerTest, WatchersHearOfEveryChange) {
  const JobId id = CreateRunning(Spec("a"));
  std::atomic<int> heard = 0;
  const auto subscription = events_.Subscribe(id, [&](JobId) { ++heard; });

  ASSERT_OK(launcher_->Emit(JobRun(id), {EpochEnd{1, 10, {{"val/accuracy", 0.5}}, true, 1}}));
  EXPECT_GE(heard, 1);
  const int before = heard;
  Succeed(JobRun(id));
  EXPECT_GT(heard, before);
}

TEST_F(JobManagerTest, WorkerThatDoesNotKeepItsTimeLimitIsStopped) {
  JobSpec limited = Spec("a");
  limited.time_limit_seconds = 60;
  const JobId id = CreateRunning(limited);
  clock_.Advance(std::chrono::seconds(60 + 119));  // the worker's own turn
  manager_->ListDevices();
  EXPECT_THAT(launcher_->stopped(), IsEmpty());

  clock_.Advance(std::chrono::seconds(1));

  ASSERT_TRUE(Soon([&] { return !launcher_->stopped().empty(); }));
  launcher_->Exit(JobRun(id), {true, 0, SIGKILL});
  ASSERT_TRUE(Becomes(id, JobState::kFailed));
  EXPECT_EQ(Job(id).cause, Cause::kTimeLimit);
}

TEST_F(JobManagerTest, AttemptEndsWhenItsWorkerSaysSo) {
  const JobId id = CreateRunning(Spec("a"));
  const int64_t end = clock_.UnixMillis() + 4'000;
  launcher_->SetEventTime(end);
  clock_.Advance(std::chrono::seconds(30));  // as if the daemon had been away

  Succeed(JobRun(id));

  ASSERT_TRUE(Becomes(id, JobState::kSucceeded));
  EXPECT_EQ(store_->ListAttempts(id)->at(0).finished_at_unix_ms, end);
  EXPECT_EQ(store_->ListUsage(0)->at(0).finished_at_unix_ms, end);
}

TEST_F(JobManagerTest, StartThatCouldNotBeReadBackIsAnInterruption) {
  devices_.Set({});
  const JobId id = Create(Spec("a"));
  // What a start leaves whose commit went well and whose answer was lost.
  ASSERT_OK(store_->StartAttempt(id, {"cpu"}, clock_.UnixMillis()));

  devices_.Set({testing::CpuDevice()});

  EXPECT_TRUE(HasStartedAfter(std::chrono::seconds(10), JobRun(id, 2)));
  EXPECT_EQ(Job(id).num_interruptions, 1);
}

TEST_F(JobManagerTest, DevicesShowTheNewestProgressOfTheirJob) {
  const JobId id = CreateRunning(Spec("a"));

  ASSERT_OK(launcher_->Emit(JobRun(id), {EpochEnd{3, 30, {{"val/accuracy", 0.5}}, true, 1}}));

  EXPECT_EQ(manager_->ListDevices().at(0).holders.at(0).job.progress.epoch, 3);
}

TEST_F(JobManagerTest, DevicesNameTheirJob) {
  const JobId id = CreateRunning(Spec("a"));

  const auto devices = manager_->ListDevices();

  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].device.id, "cpu");
  ASSERT_EQ(devices[0].holders.size(), 1U);
  EXPECT_EQ(devices[0].holders[0].job.id, id);
  EXPECT_GT(devices[0].holders[0].pid, 0);
}

}  // namespace
}  // namespace distill::server
