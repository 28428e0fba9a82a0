#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/job/job_store.h"

namespace distill::server {

/// A request for jobs that waits to be stored, and the answer to it.
struct SubmitTurn {
  const JobRequest request;
  std::optional<Result<std::vector<JobRecord>>> answer;
};

/// Brings together the requests that come while others are being stored: the next round takes all
/// of them, in the order in which they came, so that they cost one write to disk and not one each.
/// Thread-safe.
class SubmitRounds {
 public:
  using Round = std::vector<SubmitTurn*>;
  /// Answers the first turn of a round at least; those that it leaves are of the next one. One
  /// round at a time.
  using Handler = std::function<void(const Round&)>;

  explicit SubmitRounds(Handler handler) : handler_(std::move(handler)) {}

  /// Returns when `turn` is answered, with kInternal where the handler throws. Its caller's thread
  /// may answer those of others on the way.
  void Take(SubmitTurn& turn) EXCLUDES(mutex_);

  /// Returns how many are not answered, beside those of the round under way.
  size_t num_waiting() EXCLUDES(mutex_);

 private:
  void Answer(const Round& round) const;
  // A turn of the round under way belongs to that.
  bool IsAnswered(const SubmitTurn& turn) const REQUIRES(mutex_);

  const Handler handler_;
  Mutex mutex_;
  ConditionVariable changed_;
  Round waiting_ GUARDED_BY(mutex_);
  Round under_way_ GUARDED_BY(mutex_);  // empty: none is
};

}  // namespace distill::server
