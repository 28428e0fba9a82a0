#include "core/train/task_thread.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace distill::core {
namespace {

TEST(TaskThreadTest, AllTasksRunOnOneThreadOfItsOwn) {
  TaskThread thread;
  std::thread::id first;
  std::thread::id second;

  thread.Start([&] { first = std::this_thread::get_id(); });
  EXPECT_FALSE(thread.Wait());
  thread.Start([&] { second = std::this_thread::get_id(); });
  EXPECT_FALSE(thread.Wait());

  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(TaskThreadTest, WhatATaskThrowsIsHandedOverOnce) {
  TaskThread thread;

  thread.Start([] { throw std::runtime_error("out of memory"); });

  EXPECT_THROW(std::rethrow_exception(thread.Wait()), std::runtime_error);
  thread.Start([] {});
  EXPECT_FALSE(thread.Wait());
}

TEST(TaskThreadTest, EndsAfterTheTaskUnderWay) {
  bool is_done = false;
  {
    TaskThread thread;
    thread.Start([&] { is_done = true; });
  }
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace distill::core
