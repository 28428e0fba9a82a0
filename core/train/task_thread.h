#pragma once

#include <exception>
#include <functional>
#include <thread>

#include "core/base/mutex.h"

namespace distill::core {

/// A thread that does one task after the other, so that what LibTorch and OpenMP keep for a thread
/// lives from step to step. Owned by one thread.
class TaskThread {
 public:
  TaskThread();
  /// Waits for the task under way.
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// Has `task` done. REQUIRES: none is under way.
  void Start(std::function<void()> task);

  /// Waits until the task is done. Returns what it threw, or null.
  std::exception_ptr Wait();

 private:
  void Loop();

  Mutex mutex_;
  ConditionVariable changed_;
  std::function<void()> task_ GUARDED_BY(mutex_);  // empty: none is under way
  std::exception_ptr error_ GUARDED_BY(mutex_);
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace distill::core
