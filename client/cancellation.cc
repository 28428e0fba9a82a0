#include "client/cancellation.h"

#include <utility>

namespace distill::client {

Cancellation::Registration::Registration(Cancellation& cancellation,
                                         std::function<void()> on_cancel)
    : cancellation_(cancellation) {
  const std::lock_guard lock(cancellation_.mutex_);
  if (cancellation_.is_cancelled_) on_cancel();
  id_ = cancellation_.next_id_++;
  cancellation_.listeners_.emplace(id_, std::move(on_cancel));
}

Cancellation::Registration::~Registration() {
  const std::lock_guard lock(cancellation_.mutex_);
  cancellation_.listeners_.erase(id_);
}

void Cancellation::Cancel() {
  const std::lock_guard lock(mutex_);
  is_cancelled_ = true;
  for (const auto& [id, on_cancel] : listeners_) on_cancel();
  changed_.notify_all();
}

bool Cancellation::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  return is_cancelled_;
}

bool Cancellation::has_listener() const {
  const std::lock_guard lock(mutex_);
  return num_waiting_ > 0 || !listeners_.empty();
}

bool Cancellation::WaitFor(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  ++num_waiting_;
  changed_.wait_for(lock, duration, [this] { return is_cancelled_; });
  --num_waiting_;
  return is_cancelled_;
}

}  // namespace distill::client
