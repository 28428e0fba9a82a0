#include "server/notify/notifier.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "server/notify/job_facts.h"

namespace distill::server {

Notifier::Notifier(NotifierOptions options, std::unique_ptr<NotificationSender> sender,
                   const Clock& clock, NotificationObserver* observer)
    : options_(std::move(options)),
      sender_(std::move(sender)),
      clock_(clock),
      observer_(observer),
      thread_([this] { Run(); }) {}

Notifier::~Notifier() {
  is_stopping_ = true;
  {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  }
  thread_.join();
  const MutexLock lock(mutex_);
  if (waiting_.empty()) return;
  LogWarning("notifications not sent: the daemon stops",
             {{"sender", sender_->name()}, {"count", static_cast<int64_t>(waiting_.size())}});
}

void Notifier::OnMove(const JobRecord& job, std::optional<JobState> from) {
  if (options_.states.count(job.state) == 0) return;
  std::string json = JobFactsJson(job, from, clock_.UnixMillis());
  bool is_full = false;
  {
    const MutexLock lock(mutex_);
    is_full = waiting_.size() >= options_.max_waiting;
    if (!is_full) waiting_.push_back(std::move(json));
    changed_.NotifyAll();
  }
  if (!is_full) return;
  LogWarning("notification dropped: too many wait", {{"sender", sender_->name()}, {"job", job.id}});
  Tell(NotificationObserver::Fate::kDropped);
}

void Notifier::Run() {
  ::pthread_setname_np(::pthread_self(), "notify");
  std::string json;
  while (TakeNext(json)) Deliver(json);
}

// Waits for a notification. Returns false when the daemon stops.
bool Notifier::TakeNext(std::string& json) {
  const MutexLock lock(mutex_);
  while (waiting_.empty() && !is_stopping_) changed_.Wait(mutex_);
  if (is_stopping_) return false;
  json = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

void Notifier::Deliver(const std::string& json) {
  for (int attempt = 1;; ++attempt) {
    const Status sent = sender_->Send(json, is_stopping_);
    if (sent.ok()) {
      Tell(NotificationObserver::Fate::kSent);
      return;
    }
    const bool is_last = sent.code() != Code::kUnavailable || attempt >= options_.max_attempts;
    if (is_last || !WaitToRetry(attempt)) {
      LogWarning("notification not sent",
                 {{"sender", sender_->name()}, {"attempts", attempt}, {"error", sent.ToString()}});
      Tell(NotificationObserver::Fate::kFailed);
      return;
    }
  }
}

// Returns false when the daemon stops meanwhile.
bool Notifier::WaitToRetry(int attempt) {
  auto pause = options_.first_backoff;
  for (int i = 1; i < attempt && pause < options_.max_backoff; ++i) pause *= 2;
  pause = std::min(pause, options_.max_backoff);
  const auto until = std::chrono::steady_clock::now() + pause;
  const MutexLock lock(mutex_);
  while (!is_stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    changed_.WaitFor(mutex_, left);
  }
  return false;
}

void Notifier::Tell(NotificationObserver::Fate fate) {
  if (observer_ != nullptr) observer_->OnNotification(sender_->name(), fate);
}

}  // namespace distill::server
