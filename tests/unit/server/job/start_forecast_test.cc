#include "server/job/start_forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill::server {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

DeviceInfo Device(const std::string& id) {
  DeviceInfo device;
  device.id = id;
  return device;
}

JobSnapshot Job(JobId id, const std::string& held_device = "") {
  JobSnapshot job;
  job.id = id;
  job.state = held_device.empty() ? JobState::kQueued : JobState::kRunning;
  if (!held_device.empty()) job.held_devices = {held_device};
  return job;
}

class StartForecastTest : public ::testing::Test {
 protected:
  StartForecastTest() {
    snapshot_.now_unix_ms = 100;
    snapshot_.devices = {Device("a"), Device("b")};
  }
  std::map<JobId, int64_t> Forecast(const std::map<JobId, int64_t>& ends) {
    return ForecastStarts(snapshot_, Schedule(snapshot_), ends);
  }
  SchedulerSnapshot snapshot_;
};

TEST_F(StartForecastTest, NextJobGetsTheDeviceThatIsFreeFirst) {
  snapshot_.jobs = {Job(1, "a"), Job(2, "b"), Job(3), Job(4), Job(5)};

  EXPECT_THAT(Forecast({{1, 500}, {2, 300}}), UnorderedElementsAre(Pair(3, 300), Pair(4, 500)))
      << "nobody knows how long 3 and 4 take, so nothing is said of 5";
}

TEST_F(StartForecastTest, UnknownEndGivesNoForecast) {
  snapshot_.jobs = {Job(1, "a"), Job(2, "b"), Job(3)};

  EXPECT_THAT(Forecast({}), IsEmpty());
}

TEST_F(StartForecastTest, OverdueEndIsNow) {
  snapshot_.jobs = {Job(1, "a"), Job(2, "b"), Job(3)};

  EXPECT_THAT(Forecast({{1, 50}}), UnorderedElementsAre(Pair(3, 100)));
}

TEST_F(StartForecastTest, DependentStartsWhenAllThatItNeedsHasEnded) {
  snapshot_.jobs = {Job(1, "a"), Job(2, "b"), Job(3)};
  snapshot_.jobs[2].depends_on = {1};
  snapshot_.jobs[2].after = {{2, AfterCondition::kAny}};
  snapshot_.dependency_states = {{1, JobState::kRunning}, {2, JobState::kRunning}};

  EXPECT_THAT(Forecast({{1, 500}, {2, 300}}), UnorderedElementsAre(Pair(3, 500)));
  EXPECT_THAT(Forecast({{1, 500}}), IsEmpty());
}

TEST_F(StartForecastTest, TurnComesWhenTheFirstOfTheGroupEnds) {
  snapshot_.jobs = {Job(1, "a"), Job(2)};
  for (JobSnapshot& job : snapshot_.jobs) {
    job.group = "grid";
    job.max_parallel = 1;
  }

  EXPECT_THAT(Forecast({{1, 500}}), UnorderedElementsAre(Pair(2, 500)));
}

TEST_F(StartForecastTest, JobOnSeveralDevicesWaitsForTheLastOfThem) {
  snapshot_.devices.push_back(Device("c"));
  snapshot_.jobs = {Job(1, "a"), Job(2, "b"), Job(3, "c"), Job(4), Job(5)};
  snapshot_.jobs[3].num_devices = 2;

  EXPECT_THAT(Forecast({{1, 500}, {2, 300}, {3, 900}}),
              UnorderedElementsAre(Pair(4, 500), Pair(5, 900)));
  EXPECT_THAT(Forecast({{1, 500}}), IsEmpty()) << "one device is not enough";
}

TEST_F(StartForecastTest, LastOfThoseWhoShareADeviceCounts) {
  snapshot_.devices = {Device("a")};
  snapshot_.devices[0].index = 0;
  snapshot_.devices[0].memory_total_bytes = 100;
  snapshot_.jobs = {Job(1, "a"), Job(2, "a"), Job(3)};
  snapshot_.jobs[0].gpu_memory_bytes = snapshot_.jobs[1].gpu_memory_bytes = 10;

  EXPECT_THAT(Forecast({{1, 500}, {2, 300}}), UnorderedElementsAre(Pair(3, 500)));
}

}  // namespace
}  // namespace distill::server
