#include "core/train/task_thread.h"

#include <utility>

namespace distill::core {

TaskThread::TaskThread() : thread_([this] { Loop(); }) {}

TaskThread::~TaskThread() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void TaskThread::Start(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    task_ = std::move(task);
  }
  changed_.NotifyAll();
}

std::exception_ptr TaskThread::Wait() {
  const MutexLock lock(mutex_);
  while (task_) changed_.Wait(mutex_);
  return std::exchange(error_, nullptr);
}

void TaskThread::Loop() {
  while (true) {
    std::function<void()> task;
    {
      const MutexLock lock(mutex_);
      while (!task_ && !is_stopping_) changed_.Wait(mutex_);
      if (!task_) return;
      task = task_;
    }
    std::exception_ptr error;
    try {
      task();
    } catch (...) {
      error = std::current_exception();
    }
    task = nullptr;
    const MutexLock lock(mutex_);
    task_ = nullptr;
    error_ = error;
    changed_.NotifyAll();
  }
}

}  // namespace distill::core
