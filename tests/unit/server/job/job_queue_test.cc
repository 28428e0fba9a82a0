#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/job/manager_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A manager of one device.
class JobQueueTest : public ManagerFixture {
 protected:
  static JobSpec Of(const std::string& owner, const std::string& name, int priority = 0) {
    JobSpec spec = Spec(name);
    spec.owner = owner;
    spec.priority = priority;
    return spec;
  }

  std::vector<JobId> Order() {
    std::vector<JobId> ids;
    const auto queue = manager_->ListQueue(100);
    EXPECT_OK(queue);
    for (const QueueEntry& entry : queue->entries) ids.push_back(entry.job.id);
    return ids;
  }

  void RestartManager() {
    StopManager();
    StartManager();
  }

  // The clock is a year ahead while ann's jobs run and are submitted, then is set right. An hour
  // later her job has waited for an hour, and comes before one that has just come.
  void ExpectThatAClockThatWasAheadStarvesNobody(bool restarts) {
    constexpr auto kAhead = std::chrono::hours(24 * 365);
    policy_.ageing_step_ms = 60'000;
    RestartManager();
    clock_.Advance(kAhead);
    const JobId ran = CreateRunning(Of("ann", "ran"));
    clock_.Advance(std::chrono::minutes(1));
    Succeed(JobRun(ran));
    ASSERT_TRUE(Becomes(ran, JobState::kSucceeded));
    const JobId blocker = CreateRunning(Of("eve", "blocker"));
    const JobId waits = Create(Of("ann", "waits"));
    clock_.Advance(-kAhead);
    if (restarts) RestartManager();
    const JobId low = Create(Of("carl", "low", -5));
    ASSERT_THAT(Order(), ElementsAre(waits, low));

    clock_.Advance(std::chrono::hours(1));
    const JobId late = Create(Of("bob", "late"));

    EXPECT_THAT(Order(), ElementsAre(waits, low, late));
    EXPECT_EQ(Job(blocker).state, JobState::kRunning);
  }
};

TEST_F(JobQueueTest, AClockThatWasAheadStarvesNobody) {
  ExpectThatAClockThatWasAheadStarvesNobody(/*restarts=*/false);
}

TEST_F(JobQueueTest, AClockThatWasAheadStarvesNobodyAfterARestart) {
  ExpectThatAClockThatWasAheadStarvesNobody(/*restarts=*/true);
}

TEST_F(JobQueueTest, ExplanationNamesRuleHolderPlaceAndExpectedStart) {
  const JobId running = CreateRunning(Of("ann", "a"));
  launcher_->SetEventTime(clock_.UnixMillis() + 10'000);
  JobProgress progress;
  progress.epoch = 1;
  ASSERT_OK(launcher_->Emit(JobRun(running), {StepProgress{progress, {}}}));
  const JobId id = Create(Of("bob", "b"));

  const auto why = manager_->Explain(id);

  ASSERT_OK(why);
  ASSERT_TRUE(why->is_waiting);
  EXPECT_EQ(why->entry.waiting.rule, WaitingRule::kDevice);
  EXPECT_EQ(why->entry.waiting.place, 1);
  EXPECT_EQ(why->queue_length, 1);
  ASSERT_EQ(why->holders.size(), 1U);
  EXPECT_EQ(why->holders[0].id, running);
  EXPECT_GT(why->holders[0].progress.eta_unix_ms, 0);
  EXPECT_EQ(why->entry.expected_start_unix_ms, why->holders[0].progress.eta_unix_ms);
}

TEST_F(JobQueueTest, ExplanationFollowsEveryChangeAtOnce) {
  const JobId running = CreateRunning(Of("ann", "running"));
  const JobId first = Create(Of("bob", "first"));
  ASSERT_EQ(manager_->Explain(first)->entry.waiting.place, 1);

  const JobId urgent = Create(Of("bob", "urgent", 5));
  EXPECT_EQ(manager_->Explain(first)->entry.waiting.place, 2);

  ASSERT_OK(manager_->Pause(urgent, "user bob"));
  EXPECT_EQ(manager_->Explain(first)->entry.waiting.place, 1);
  ASSERT_OK(manager_->Resume(urgent, "user bob"));
  EXPECT_EQ(manager_->Explain(first)->entry.waiting.place, 2);
  ASSERT_OK(manager_->Cancel(urgent, "user bob"));
  EXPECT_EQ(manager_->Explain(first)->queue_length, 1);

  launcher_->SetEventTime(clock_.UnixMillis() + 10'000);
  ASSERT_OK(launcher_->Emit(JobRun(running), {EpochEnd{1, 10, {}, false, 0}}));
  EXPECT_EQ(manager_->Explain(first)->entry.expected_start_unix_ms,
            Job(running).progress.eta_unix_ms);
}

TEST_F(JobQueueTest, JobThatDoesNotWaitIsExplainedByItself) {
  const JobId running = CreateRunning(Of("ann", "a"));

  const auto why = manager_->Explain(running);

  ASSERT_OK(why);
  EXPECT_FALSE(why->is_waiting);
  EXPECT_EQ(why->entry.job.state, JobState::kRunning);
  EXPECT_THAT(manager_->Explain(99), HasCode(Code::kNotFound));
}

TEST_F(JobQueueTest, QueueIsInTheOrderOfStartsAndMayBeCut) {
  CreateRunning(Of("ann", "running"));
  const JobId low = Create(Of("bob", "low", -1));
  const JobId high = Create(Of("bob", "high", 5));

  EXPECT_THAT(Order(), ElementsAre(high, low));
  const auto queue = manager_->ListQueue(1);
  EXPECT_EQ(queue->entries.size(), 1U);
  EXPECT_EQ(queue->length, 2);
}

TEST_F(JobQueueTest, FairShareRemembersAcrossRestartsAndDeletions) {
  policy_.ageing_step_ms = 0;
  RestartManager();
  const JobId old = CreateRunning(Of("ann", "old"));
  clock_.Advance(std::chrono::hours(5));
  Succeed(JobRun(old));
  ASSERT_TRUE(Becomes(old, JobState::kSucceeded));
  ASSERT_OK(manager_->Delete(old));
  RestartManager();
  CreateRunning(Of("eve", "running"));
  const JobId ann = Create(Of("ann", "a"));
  const JobId bob = Create(Of("bob", "b"));

  EXPECT_THAT(Order(), ElementsAre(bob, ann));
}

TEST_F(JobQueueTest, DependencyThatIsRequeuedCountsAgain) {
  JobSpec spec = Of("ann", "second");
  const JobId first = CreateRunning(Of("ann", "first"));
  spec.after = {{first, AfterCondition::kOk}};
  const JobId second = Create(spec);
  ASSERT_OK(
      launcher_->Emit(JobRun(first), {WorkerOutcome{JobState::kFailed, Cause::kBadData, "no"}}));
  launcher_->Exit(JobRun(first), {true, 12, 0});
  ASSERT_TRUE(Soon([&] {
    const auto why = manager_->Explain(second);
    return why.ok() && why->entry.waiting.rule == WaitingRule::kDependencyLost;
  }));

  ASSERT_OK(manager_->Requeue(first, "user ann"));
  ASSERT_TRUE(HasStarted(JobRun(first, 2)));
  EXPECT_EQ(manager_->Explain(second)->entry.waiting.rule, WaitingRule::kDependency);
  Succeed(JobRun(first, 2));

  EXPECT_TRUE(HasStarted(JobRun(second)));
}

TEST_F(JobQueueTest, OutOfMemoryIsNotTriedAgain) {
  const JobId id = CreateRunning(Of("ann", "a"));
  ASSERT_OK(launcher_->Emit(JobRun(id),
                            {WorkerOutcome{JobState::kFailed, Cause::kOutOfMemory, "12 GiB"}}));
  launcher_->Exit(JobRun(id), {true, 14, 0});

  ASSERT_TRUE(Becomes(id, JobState::kFailed));
  EXPECT_EQ(Job(id).cause, Cause::kOutOfMemory);
  EXPECT_EQ(launcher_->NumStarts(JobRun(id, 2)), 0);
}

TEST_F(JobQueueTest, DeviceErrorIsTriedAgainAsOftenAsItMay) {
  JobSpec spec = Of("ann", "a");
  spec.max_device_errors = 1;
  const JobId id = CreateRunning(spec);
  const WorkerOutcome error{JobState::kFailed, Cause::kDeviceError, "CUDA error"};
  ASSERT_OK(launcher_->Emit(JobRun(id), {error}));
  launcher_->Exit(JobRun(id), {true, 13, 0});
  ASSERT_TRUE(HasStartedAfter(std::chrono::seconds(1), JobRun(id, 2)));
  ASSERT_OK(launcher_->Emit(JobRun(id, 2), {WorkerStarted{0, 4, 10}, error}));
  launcher_->Exit(JobRun(id, 2), {true, 13, 0});

  ASSERT_TRUE(Becomes(id, JobState::kFailed));
  EXPECT_EQ(Job(id).cause, Cause::kDeviceError);
  EXPECT_EQ(Job(id).num_interruptions, 0);
}

TEST_F(JobQueueTest, RoomMadeForAJobIsNotTakenByAnOlderOne) {
  policy_.has_preemption = true;
  policy_.preemption_margin = 1;
  policy_.preemption_min_run_ms = 0;
  policy_.ageing_step_ms = 60'000;
  RestartManager();
  const JobId low = CreateRunning(Of("ann", "low"));
  const JobId old = Create(Of("cay", "old"));
  clock_.Advance(std::chrono::minutes(5));  // five points more than its priority
  const JobId high = Create(Of("bob", "high", 3));
  ASSERT_TRUE(Soon([&] { return !launcher_->orders().empty(); }));

  ASSERT_OK(launcher_->Emit(
      JobRun(low), {WorkerOutcome{JobState::kCancelled, Cause::kPreempted, "stopped by order"}}));
  launcher_->Exit(JobRun(low), {true, 10, 0});

  EXPECT_TRUE(HasStarted(JobRun(high)));
  EXPECT_FALSE(launcher_->HasStarted(JobRun(old)));
  EXPECT_THAT(launcher_->orders(), ElementsAre(StopOrder::kPreempt)) << "one left, not two";
  Succeed(JobRun(high));
  EXPECT_TRUE(HasStarted(JobRun(old)));
}

TEST_F(JobQueueTest, MuchHigherPriorityMakesARunningJobMakeRoomAndItComesBack) {
  policy_.has_preemption = true;
  policy_.preemption_margin = 10;
  policy_.preemption_min_run_ms = 60'000;
  RestartManager();
  const JobId low = CreateRunning(Of("ann", "low"));
  const JobId high = Create(Of("bob", "high", 10));
  ASSERT_TRUE(Soon([&] { return !Job(high).message.empty(); }));
  EXPECT_THAT(launcher_->orders(), IsEmpty()) << "it has run for less than a minute";

  clock_.Advance(std::chrono::minutes(1));
  ASSERT_TRUE(Soon([&] { return !launcher_->orders().empty(); }));
  EXPECT_THAT(launcher_->orders(), ElementsAre(StopOrder::kPreempt)) << "told once";
  ASSERT_OK(launcher_->Emit(
      JobRun(low), {WorkerOutcome{JobState::kCancelled, Cause::kPreempted, "stopped by order"}}));
  launcher_->Exit(JobRun(low), {true, 10, 0});

  ASSERT_TRUE(HasStarted(JobRun(high)));
  EXPECT_EQ(Job(low).state, JobState::kQueued);
  EXPECT_EQ(Job(low).num_preemptions, 1);
  EXPECT_EQ(Job(low).num_interruptions, 0);
  EXPECT_EQ(store_->ListAttempts(low)->front().message,
            "makes room for " + Sentence::Naming(high) + ", of higher priority");
  Succeed(JobRun(high));
  EXPECT_TRUE(HasStarted(JobRun(low, 2)));
}

}  // namespace
}  // namespace distill::server
