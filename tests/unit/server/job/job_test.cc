#include "server/job/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace distill::server {
namespace {

std::vector<JobState> AllStates() {
  std::vector<JobState> states;
  for (int number = 1; number <= 10; ++number) states.push_back(static_cast<JobState>(number));
  return states;
}

// Returns the states that can be reached from `from` in any number of moves.
std::set<JobState> ReachableFrom(JobState from) {
  std::set<JobState> reached = {from};
  for (size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const JobState state : std::set<JobState>(reached)) {
      for (const JobState to : AllStates()) {
        if (CanMove(state, to)) reached.insert(to);
      }
    }
  }
  return reached;
}

TEST(JobTest, SucceededIsForEver) {
  for (const JobState to : AllStates()) EXPECT_FALSE(CanMove(JobState::kSucceeded, to));
}

TEST(JobTest, EndedJobsMayOnlyBeQueuedAgain) {
  for (const JobState from : {JobState::kFailed, JobState::kCancelled}) {
    for (const JobState to : AllStates()) {
      EXPECT_EQ(CanMove(from, to), to == JobState::kQueued) << StateName(from) << StateName(to);
    }
  }
}

TEST(JobTest, NoStateMovesToItself) {
  for (const JobState state : AllStates()) EXPECT_FALSE(CanMove(state, state));
}

TEST(JobTest, EveryStateIsReachedFromQueuedAndCanEnd) {
  EXPECT_EQ(ReachableFrom(JobState::kQueued).size(), AllStates().size());
  for (const JobState state : AllStates()) {
    EXPECT_TRUE(IsTerminal(state) || ReachableFrom(state).count(JobState::kCancelled) > 0)
        << StateName(state);
  }
}

TEST(JobTest, OnlyStartingBringsAWorker) {
  for (const JobState from : AllStates()) {
    for (const JobState to : AllStates()) {
      if (!CanMove(from, to) || HasWorker(from) || !HasWorker(to)) continue;
      EXPECT_EQ(from, JobState::kQueued);
      EXPECT_EQ(to, JobState::kStarting);
    }
  }
}

TEST(JobTest, NoEndedJobHasAWorker) {
  for (const JobState state : AllStates()) EXPECT_FALSE(IsTerminal(state) && HasWorker(state));
}

TEST(JobTest, NamesAreTheWiresAndAllDifferent) {
  std::set<std::string_view> names;
  for (const JobState state : AllStates()) names.insert(StateName(state));
  EXPECT_EQ(names.size(), AllStates().size());
  EXPECT_EQ(StateName(JobState::kInterrupted), "INTERRUPTED");
  EXPECT_EQ(CauseName(Cause::kOutOfMemory), "OUT_OF_MEMORY");
  EXPECT_EQ(CauseName(Cause::kNone), "");
}

TEST(JobTest, DevicesAreTextAndBack) {
  const std::vector<std::string> several = {"GPU-a", "GPU-b"};

  EXPECT_EQ(DevicesText(several), "GPU-a,GPU-b");
  EXPECT_EQ(ParseDevices("GPU-a,GPU-b"), several);
  EXPECT_EQ(ParseDevices("cpu"), std::vector<std::string>{"cpu"});
  EXPECT_TRUE(ParseDevices("").empty());
}

}  // namespace
}  // namespace distill::server
