#include "server/job/job_events.h"

#include <utility>
#include <vector>

namespace distill::server {

// Shared by the table and by a Publish under way, which may outlive the subscription's entry.
struct JobEvents::Watcher {
  Watcher(JobId watched, Callback told) : job(watched), callback(std::move(told)) {}

  const JobId job;
  const Callback callback;
  Mutex mutex;  // held while the callback runs
  bool is_active GUARDED_BY(mutex) = true;
};

std::unique_ptr<JobEvents::Subscription> JobEvents::Subscribe(JobId job, Callback callback) {
  const MutexLock lock(mutex_);
  const int64_t id = next_id_++;
  watchers_[id] = std::make_shared<Watcher>(job, std::move(callback));
  return std::make_unique<Subscription>(*this, id);
}

void JobEvents::Publish(JobId job) {
  std::vector<std::shared_ptr<Watcher>> told;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, watcher] : watchers_) {
      if (watcher->job == job) told.push_back(watcher);
    }
  }
  for (const auto& watcher : told) {
    const MutexLock lock(watcher->mutex);
    if (watcher->is_active) watcher->callback(job);
  }
}

void JobEvents::Remove(int64_t id) {
  std::shared_ptr<Watcher> watcher;
  {
    const MutexLock lock(mutex_);
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) return;
    watcher = std::move(found->second);
    watchers_.erase(found);
  }
  const MutexLock lock(watcher->mutex);
  watcher->is_active = false;
}

}  // namespace distill::server
