#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "core/base/mutex.h"
#include "server/job/job.h"

namespace distill::server {

/// Tells watchers that something about a job changed (state, progress, metrics, log): they then
/// read what is new from the store, so a slow watcher costs nothing and misses only what it never
/// saw. Thread-safe.
class JobEvents {
 public:
  /// Called from the thread that made the change, with no lock held: must be quick, must not block.
  using Callback = std::function<void(JobId)>;

  /// Ends the subscription when destroyed; once that returns, the callback runs no more. Not to be
  /// destroyed from within the callback.
  class Subscription {
   public:
    Subscription(JobEvents& events, int64_t id) : events_(events), id_(id) {}
    ~Subscription() { events_.Remove(id_); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    JobEvents& events_;
    int64_t id_;
  };

  /// Calls `callback` at each change of `job`; this object must outlive the subscription.
  std::unique_ptr<Subscription> Subscribe(JobId job, Callback callback);

  /// Tells all watchers of `job`.
  void Publish(JobId job);

 private:
  struct Watcher;
  void Remove(int64_t id);

  Mutex mutex_;
  int64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::map<int64_t, std::shared_ptr<Watcher>> watchers_ GUARDED_BY(mutex_);
};

}  // namespace distill::server
