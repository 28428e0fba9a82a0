#pragma once

#include <cstdint>
#include <map>

#include "core/base/clock.h"

namespace distill::server {

/// Makes moments past that are to come by the wall clock, as one that was ahead leaves them behind:
/// whoever grows old from such a moment would not before real time is there. A clock that is behind
/// for a while, and then right again, changes nothing for good. Thread-compatible.
class FutureMoments {
 public:
  /// `clock` must outlive this object.
  explicit FutureMoments(const Clock& clock) : clock_(clock) {}

  /// Returns `unix_ms`; where that is to come, or was when it was first asked for, at the latest
  /// the moment in which it was first asked for, by the monotonic clock.
  int64_t Past(int64_t unix_ms);

 private:
  const Clock& clock_;
  std::map<int64_t, int64_t> noticed_;  // a moment to come, and when that was noticed (monotonic)
};

}  // namespace distill::server
