#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace distill::server {

/// A few threads for what gRPC's reactions may not do themselves: read the store and files.
/// Thread-safe.
class TaskPool {
 public:
  using Task = std::function<void()>;

  /// Starts `num_threads` threads.
  explicit TaskPool(int num_threads);
  ~TaskPool() { Stop(); }
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  /// Runs `task` on one of the threads, once `delay` has passed. Does not block. A task that is
  /// given after Stop(), or not due by then, never runs.
  void Run(Task task, std::chrono::milliseconds delay = std::chrono::milliseconds(0));

  /// Ends the tasks that are due and joins the threads. Stopping twice is no error.
  void Stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  void Loop();

  std::vector<std::thread> threads_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::multimap<TimePoint, Task> tasks_ GUARDED_BY(mutex_);
  bool is_stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace distill::server
