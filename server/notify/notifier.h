#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/job/job_observer.h"
#include "server/notify/notification_sender.h"

namespace distill::server {

struct NotifierOptions {
  std::set<JobState> states;  // the new states that are told
  size_t max_waiting = 1'000;
  int max_attempts = 5;                            // of one notification
  std::chrono::milliseconds first_backoff{1'000};  // doubles at each attempt
  std::chrono::milliseconds max_backoff{60'000};
};

/// Tells a sender of changes of state, in their order, from a thread of its own. A notification is
/// kept in memory only: what waits when the daemon stops is not sent. When too many wait, the
/// newest is dropped. Thread-safe.
class Notifier final : public JobObserver {
 public:
  /// `clock` and `observer` (may be null) must outlive this object.
  Notifier(NotifierOptions options, std::unique_ptr<NotificationSender> sender, const Clock& clock,
           NotificationObserver* observer);
  /// Stops soon: gives up what is being sent and what waits.
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// Never blocks on the sender.
  void OnMove(const JobRecord& job, std::optional<JobState> from) override EXCLUDES(mutex_);

 private:
  void Run();
  bool TakeNext(std::string& json) EXCLUDES(mutex_);
  void Deliver(const std::string& json);
  bool WaitToRetry(int attempt) EXCLUDES(mutex_);
  void Tell(NotificationObserver::Fate fate);

  // Constant after construction.
  const NotifierOptions options_;
  const std::unique_ptr<NotificationSender> sender_;
  const Clock& clock_;
  NotificationObserver* const observer_;

  std::atomic<bool> is_stopping_ = false;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<std::string> waiting_ GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace distill::server
