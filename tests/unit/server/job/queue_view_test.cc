#include "server/job/queue_view.h"

#include <gtest/gtest.h>

namespace distill::server {
namespace {

// One device, which job 1 holds; job 2 waits for it.
SchedulerSnapshot OneWaits() {
  SchedulerSnapshot snapshot;
  DeviceInfo& device = snapshot.devices.emplace_back();
  device.id = "cpu";
  JobSnapshot& running = snapshot.jobs.emplace_back();
  running.id = 1;
  running.state = JobState::kRunning;
  running.held_devices = {"cpu"};
  snapshot.jobs.emplace_back().id = 2;
  return snapshot;
}

TEST(QueueViewTest, HoldsUntilSomethingChangesAndForASecond) {
  const QueueView view(OneWaits(), {7, 1'000});

  EXPECT_TRUE(view.HoldsAt({7, 2'000}));
  EXPECT_FALSE(view.HoldsAt({8, 1'000}));
  EXPECT_FALSE(view.HoldsAt({7, 2'001}));
}

TEST(QueueViewTest, FindsWhyAJobWaits) {
  const QueueView view(OneWaits(), {});

  ASSERT_NE(view.Find(2), nullptr);
  EXPECT_EQ(view.Find(2)->rule, WaitingRule::kDevice);
  EXPECT_EQ(view.Find(1), nullptr);
}

TEST(QueueViewTest, ForecastIsMadeOnceForEachChangeOfProgress) {
  QueueView view(OneWaits(), {});
  int num_readings = 0;
  const auto read_ends = [&] { return QueueView::Times{{1, 1'000 * ++num_readings}}; };

  EXPECT_EQ(view.ForecastAt(1, read_ends)->at(2), 1'000);
  EXPECT_EQ(view.ForecastAt(1, read_ends)->at(2), 1'000);
  EXPECT_EQ(num_readings, 1);
  EXPECT_EQ(view.ForecastAt(2, read_ends)->at(2), 2'000);
}

}  // namespace
}  // namespace distill::server
