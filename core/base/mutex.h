#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DISTILL_TS(x) __attribute__((x))
#else
#define DISTILL_TS(x)
#endif

// gRPC's headers may have brought Abseil's macros of these names, which mean the same.
#undef GUARDED_BY
#undef REQUIRES
#undef EXCLUDES
#define GUARDED_BY(m) DISTILL_TS(guarded_by(m))
#define REQUIRES(...) DISTILL_TS(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) DISTILL_TS(locks_excluded(__VA_ARGS__))

namespace distill {

/// A std::mutex that clang's -Wthread-safety understands.
class DISTILL_TS(capability("mutex")) Mutex {
 public:
  void lock() DISTILL_TS(acquire_capability()) { mutex_.lock(); }
  void unlock() DISTILL_TS(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for the life of a scope.
class DISTILL_TS(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DISTILL_TS(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() DISTILL_TS(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits on a Mutex that the caller holds: `while (!ready_) changed_.Wait(mutex_);`
class ConditionVariable {
 public:
  /// Blocks until notified (or spuriously); `mutex` is held again on return.
  void Wait(Mutex& mutex) REQUIRES(mutex) { condition_.wait(mutex); }

  /// Blocks until notified or until `timeout` has passed. Returns false on time-out.
  template <typename Duration>
  bool WaitFor(Mutex& mutex, Duration timeout) REQUIRES(mutex) {
    return condition_.wait_for(mutex, timeout) == std::cv_status::no_timeout;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace distill
