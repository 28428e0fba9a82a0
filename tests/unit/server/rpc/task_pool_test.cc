#include "server/rpc/task_pool.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>

namespace distill::server {
namespace {

TEST(TaskPoolTest, RunsTasksThatAreDueBeforeItStops) {
  std::atomic<int> count = 0;
  TaskPool pool(2);

  for (int i = 0; i < 100; ++i) pool.Run([&] { ++count; });
  pool.Stop();

  EXPECT_EQ(count, 100);
}

TEST(TaskPoolTest, DropsTasksThatAreNotDueWhenItStops) {
  const auto held = std::make_shared<int>(0);
  TaskPool pool(1);

  pool.Run([held] { ++*held; }, std::chrono::hours(1));
  pool.Stop();

  EXPECT_EQ(*held, 0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskPoolTest, EarlierTaskOvertakesALaterOne) {
  std::promise<void> ran;
  TaskPool pool(1);

  pool.Run([] {}, std::chrono::hours(1));
  pool.Run([&] { ran.set_value(); }, std::chrono::milliseconds(1));

  ran.get_future().wait();
}

}  // namespace
}  // namespace distill::server
