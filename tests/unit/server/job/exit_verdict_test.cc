#include "server/job/exit_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const WorkerOutcome kSuccess{JobState::kSucceeded, Cause::kNone, "done"};
const WorkerOutcome kFailure{JobState::kFailed, Cause::kBadData, "no images"};
const WorkerOutcome kStopped{JobState::kCancelled, Cause::kUser, "stopped"};
constexpr WorkerExitStatus kClean{true, 0, 0};

TEST(ExitVerdictTest, SuccessWinsOverEverything) {
  for (const JobState state : {JobState::kRunning, JobState::kCancelling, JobState::kPausing}) {
    EXPECT_EQ(JudgeExit(state, kSuccess, {true, 0, SIGKILL}).to, JobState::kSucceeded);
  }
}

TEST(ExitVerdictTest, CancelledJobIsCancelledHoweverItsWorkerEnded) {
  EXPECT_EQ(JudgeExit(JobState::kCancelling, kStopped, kClean).to, JobState::kCancelled);
  EXPECT_EQ(JudgeExit(JobState::kCancelling, kFailure, kClean).to, JobState::kCancelled);
  EXPECT_EQ(JudgeExit(JobState::kCancelling, std::nullopt, {true, 0, SIGKILL}).to,
            JobState::kCancelled);
}

TEST(ExitVerdictTest, FailureKeepsItsCause) {
  const Transition verdict = JudgeExit(JobState::kRunning, kFailure, kClean);

  EXPECT_EQ(verdict.to, JobState::kFailed);
  EXPECT_EQ(verdict.cause, Cause::kBadData);
  EXPECT_EQ(verdict.message.Plain(), "no images");
}

TEST(ExitVerdictTest, MissingOutcomeIsAnInterruptionWithAReason) {
  const Transition killed = JudgeExit(JobState::kRunning, std::nullopt, {true, 0, SIGKILL});
  EXPECT_EQ(killed.to, JobState::kInterrupted);
  EXPECT_EQ(killed.cause, Cause::kWorkerLost);
  EXPECT_THAT(killed.message.Plain(), HasSubstr("out of memory"));

  const Transition crashed = JudgeExit(JobState::kRunning, std::nullopt, {true, 0, SIGSEGV});
  EXPECT_THAT(crashed.message.Plain(), HasSubstr("SIGSEGV"));
  const Transition left = JudgeExit(JobState::kStarting, std::nullopt, {true, 127, 0});
  EXPECT_THAT(left.message.Plain(), HasSubstr("exit code: 127"));
}

TEST(ExitVerdictTest, PausedJobKeepsItsPlace) {
  EXPECT_EQ(JudgeExit(JobState::kPausing, kStopped, kClean).to, JobState::kPaused);
  EXPECT_EQ(JudgeExit(JobState::kPausing, kFailure, kClean).to, JobState::kFailed);
}

TEST(ExitVerdictTest, PauseHoldsWhenTheMachineFails) {
  for (const Cause cause : {Cause::kDeviceError, Cause::kStorage}) {
    const WorkerOutcome failure{JobState::kFailed, cause, "the bus is gone"};

    const Transition verdict = JudgeExit(JobState::kPausing, failure, kClean);

    EXPECT_EQ(verdict.to, JobState::kPaused);
    EXPECT_EQ(verdict.cause, cause);
    EXPECT_THAT(verdict.message.Plain(), HasSubstr("the bus is gone"));
  }
}

TEST(ExitVerdictTest, PreemptedJobIsInterruptedForItsCause) {
  const GivenOrder order{StopOrder::kPreempt, "pre-empted by job 7"};
  for (const auto& outcome : {std::optional(kStopped), std::optional<WorkerOutcome>()}) {
    const Transition verdict = JudgeExit(JobState::kRunning, outcome, {true, 0, SIGKILL}, order);

    EXPECT_EQ(verdict.to, JobState::kInterrupted);
    EXPECT_EQ(verdict.cause, Cause::kPreempted);
    EXPECT_EQ(verdict.message.Plain(), "pre-empted by job 7");
  }
  // The user's word counts for more.
  EXPECT_EQ(JudgeExit(JobState::kPausing, kStopped, kClean, order).to, JobState::kPaused);
  EXPECT_EQ(JudgeExit(JobState::kRunning, kFailure, kClean, order).to, JobState::kFailed);
}

TEST(ExitVerdictTest, JournalTellsOfAPreemptionThatAnEarlierDaemonOrdered) {
  const WorkerOutcome preempted{JobState::kCancelled, Cause::kPreempted, "stopped by order"};

  const Transition verdict = JudgeExit(JobState::kRunning, preempted, {});

  EXPECT_EQ(verdict.to, JobState::kInterrupted);
  EXPECT_EQ(verdict.cause, Cause::kPreempted);
}

TEST(ExitVerdictTest, WorkerStoppedAtItsTimeLimitFails) {
  const GivenOrder order{StopOrder::kTimeLimit, "still ran 60 s after its time limit of 10 s"};

  const Transition verdict = JudgeExit(JobState::kRunning, std::nullopt, {true, 0, SIGKILL}, order);

  EXPECT_EQ(verdict.to, JobState::kFailed);
  EXPECT_EQ(verdict.cause, Cause::kTimeLimit);
  EXPECT_EQ(verdict.message.Plain(), order.reason.Plain());
}

TEST(ExitVerdictTest, EveryVerdictIsALegalMove) {
  for (const JobState state : {JobState::kRunning, JobState::kCancelling, JobState::kPausing}) {
    for (const auto& outcome : {std::optional<WorkerOutcome>(), std::optional(kSuccess),
                                std::optional(kFailure), std::optional(kStopped)}) {
      EXPECT_TRUE(CanMove(state, JudgeExit(state, outcome, kClean).to)) << StateName(state);
    }
  }
}

TEST(ExitVerdictTest, BudgetOfInterruptionsIsKept) {
  JobRecord job;
  job.spec.max_interruptions = 2;
  job.num_interruptions = 2;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kQueued);
  job.num_interruptions = 3;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kFailed);
}

TEST(ExitVerdictTest, EachCauseHasABudgetOfItsOwn) {
  JobRecord job;
  job.spec.max_interruptions = 0;
  job.spec.max_device_errors = 1;
  job.spec.max_preemptions = 2;
  job.num_interruptions = 5;
  job.num_device_errors = 1;
  job.num_preemptions = 2;

  job.cause = Cause::kDeviceError;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kQueued);
  job.cause = Cause::kPreempted;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kQueued);
  job.cause = Cause::kWorkerLost;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kFailed);
  job.cause = Cause::kDeviceError;
  job.num_device_errors = 2;
  EXPECT_EQ(JudgeInterruption(job).to, JobState::kFailed);
  EXPECT_EQ(JudgeInterruption(job).message.Plain(), "given up after device error 2: ");
}

TEST(ExitVerdictTest, ADiskThatWasFullIsTriedAgainAndTheMessageSaysWhatToDo) {
  const WorkerOutcome outcome{JobState::kFailed, Cause::kStorage,
                              "write checkpoint: no space left on device"};

  const Transition transition = JudgeExit(JobState::kRunning, outcome, kClean);

  EXPECT_EQ(transition.to, JobState::kInterrupted);
  EXPECT_EQ(transition.cause, Cause::kStorage);
  EXPECT_THAT(transition.message.Plain(),
              StartsWith("write checkpoint: no space left on device; if the "
                         "server's disk is full, make space"));
  EXPECT_EQ(JudgeExit(JobState::kCancelling, outcome, kClean).to, JobState::kCancelled);
  EXPECT_EQ(JudgeExit(JobState::kPausing, outcome, kClean).to, JobState::kPaused);
  EXPECT_THAT(JudgeExit(JobState::kPausing, outcome, kClean).message.Plain(),
              HasSubstr("no space left"));
}

TEST(ExitVerdictTest, OnlyTheMachinesFaultIsTriedAgain) {
  for (const Cause cause : {Cause::kOutOfMemory, Cause::kDiverged, Cause::kBadData, Cause::kBadSpec,
                            Cause::kTimeLimit}) {
    const WorkerOutcome outcome{JobState::kFailed, cause, "x"};
    EXPECT_EQ(JudgeExit(JobState::kRunning, outcome, kClean).to, JobState::kFailed);
    EXPECT_EQ(JudgeExit(JobState::kRunning, outcome, kClean).cause, cause);
  }
  const WorkerOutcome device{JobState::kFailed, Cause::kDeviceError, "CUDA error"};
  EXPECT_EQ(JudgeExit(JobState::kRunning, device, kClean).to, JobState::kInterrupted);
  EXPECT_EQ(JudgeExit(JobState::kCancelling, device, kClean).to, JobState::kCancelled);
}

}  // namespace
}  // namespace distill::server
