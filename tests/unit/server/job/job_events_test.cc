#include "server/job/job_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(JobEventsTest, WatchersHearOfTheirJobOnly) {
  JobEvents events;
  std::vector<JobId> heard;
  const auto subscription = events.Subscribe(7, [&](JobId job) { heard.push_back(job); });

  events.Publish(7);
  events.Publish(8);
  events.Publish(7);

  EXPECT_THAT(heard, ElementsAre(7, 7));
}

TEST(JobEventsTest, EndedSubscriptionHearsNothing) {
  JobEvents events;
  std::vector<JobId> heard;
  auto subscription = events.Subscribe(7, [&](JobId job) { heard.push_back(job); });

  subscription.reset();
  events.Publish(7);

  EXPECT_THAT(heard, IsEmpty());
}

TEST(JobEventsTest, CallbackNeverRunsAfterItsSubscriptionEnded) {
  JobEvents events;
  std::atomic<bool> stop = false;
  std::thread publisher([&] {
    while (!stop) events.Publish(1);
  });

  for (int round = 0; round < 200; ++round) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto subscription = events.Subscribe(1, [&](JobId) { EXPECT_TRUE(*alive); });
    subscription.reset();
    *alive = false;
  }

  stop = true;
  publisher.join();
}

}  // namespace
}  // namespace distill::server
