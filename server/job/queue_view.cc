#include "server/job/queue_view.h"

#include <algorithm>

#include "server/job/start_forecast.h"

namespace distill::server {

bool QueueView::HoldsAt(const Moment& now) const {
  constexpr int64_t kMaxAgeMs = 1'000;
  return moment_.change == now.change && now.at_ms - moment_.at_ms <= kMaxAgeMs;
}

const WaitingReason* QueueView::Find(JobId job) const {
  const auto found = std::find_if(decision_.waiting.begin(), decision_.waiting.end(),
                                  [&](const WaitingReason& reason) { return reason.job == job; });
  return found == decision_.waiting.end() ? nullptr : &*found;
}

std::shared_ptr<const QueueView::Times> QueueView::ForecastAt(
    int64_t progress, const std::function<Times()>& read_ends) {
  const MutexLock lock(mutex_);
  if (starts_ == nullptr || progress_ != progress) {
    starts_ = std::make_shared<const Times>(ForecastStarts(snapshot_, decision_, read_ends()));
    progress_ = progress;
  }
  return starts_;
}

}  // namespace distill::server
