#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/status.h"

namespace distill::server {

/// Holds each user to so many new jobs a minute: an allowance that fills up evenly and holds a
/// minute's worth. Thread-safe.
class SubmitRate {
 public:
  /// `clock` must outlive this object. `jobs_per_minute`: 0 = no limit.
  SubmitRate(int64_t jobs_per_minute, const Clock& clock)
      : jobs_per_minute_(jobs_per_minute), clock_(clock) {}

  /// Takes `num_jobs` from the allowance of `user`.
  /// kResourceExhausted: there is not so much; nothing was taken, and the message tells when to
  /// come back, or that never so many are allowed at once.
  Status Take(const std::string& user, int64_t num_jobs) EXCLUDES(mutex_);

 private:
  struct Allowance {
    double jobs = 0;
    int64_t at_ms = 0;  // of the monotonic clock
  };

  void ForgetFull(int64_t now_ms) REQUIRES(mutex_);
  double Filled(const Allowance& allowance, int64_t now_ms) const;

  const int64_t jobs_per_minute_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Allowance> allowances_ GUARDED_BY(mutex_);  // who is not here has it all
};

}  // namespace distill::server
