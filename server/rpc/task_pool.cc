#include "server/rpc/task_pool.h"

#include <pthread.h>

#include <utility>

namespace distill::server {

TaskPool::TaskPool(int num_threads) {
  for (int i = 0; i < num_threads; ++i) {
    threads_.emplace_back([this] { Loop(); });
    ::pthread_setname_np(threads_.back().native_handle(), "rpc-task");
  }
}

void TaskPool::Run(Task task, std::chrono::milliseconds delay) {
  const TimePoint due = std::chrono::steady_clock::now() + delay;
  MutexLock lock(mutex_);
  if (is_stopping_) return;
  tasks_.emplace(due, std::move(task));
  changed_.NotifyOne();
}

void TaskPool::Stop() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  std::multimap<TimePoint, Task> dropped;  // destroyed without the lock
  MutexLock lock(mutex_);
  dropped.swap(tasks_);
}

void TaskPool::Loop() {
  mutex_.lock();
  while (true) {
    const TimePoint now = std::chrono::steady_clock::now();
    if (!tasks_.empty() && tasks_.begin()->first <= now) {
      Task task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      mutex_.unlock();
      task();
      task = nullptr;
      mutex_.lock();
      continue;
    }
    if (is_stopping_) break;
    if (tasks_.empty()) {
      changed_.Wait(mutex_);
    } else {
      changed_.WaitFor(mutex_, tasks_.begin()->first - now);
    }
  }
  mutex_.unlock();
}

}  // namespace distill::server
