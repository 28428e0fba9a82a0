#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/base/mutex.h"
#include "server/job/scheduler.h"

namespace distill::server {

/// The queue as one scheduling pass saw it, for all who ask before it is out of date. Thread-safe.
class QueueView {
 public:
  /// What the view is of.
  struct Moment {
    int64_t change = 0;  // the number of the last change to jobs and orders
    int64_t at_ms = 0;   // monotonic
  };
  using Times = std::map<JobId, int64_t>;  // Unix milliseconds

  /// Makes the pass.
  QueueView(SchedulerSnapshot snapshot, const Moment& moment)
      : snapshot_(std::move(snapshot)), moment_(moment), decision_(Schedule(snapshot_)) {}

  const SchedulerSnapshot& snapshot() const { return snapshot_; }
  const ScheduleDecision& decision() const { return decision_; }

  /// Whether it still holds at `now`: nothing has changed, and devices and times not by much.
  bool HoldsAt(const Moment& now) const;

  /// Returns why `job` waits; null where it does not.
  const WaitingReason* Find(JobId job) const;

  /// Returns when waiting jobs are expected to start, as far as known. `read_ends` tells when
  /// running ones end, by their progress; it is asked once for each `progress`, the number of the
  /// last change to that.
  std::shared_ptr<const Times> ForecastAt(int64_t progress, const std::function<Times()>& read_ends)
      EXCLUDES(mutex_);

 private:
  const SchedulerSnapshot snapshot_;
  const Moment moment_;
  const ScheduleDecision decision_;

  Mutex mutex_;
  std::shared_ptr<const Times> starts_ GUARDED_BY(mutex_);  // none before the first use
  int64_t progress_ GUARDED_BY(mutex_) = 0;                 // that starts_ is of
};

}  // namespace distill::server
