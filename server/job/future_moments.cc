#include "server/job/future_moments.h"

#include <algorithm>

namespace distill::server {

int64_t FutureMoments::Past(int64_t unix_ms) {
  const int64_t now = clock_.UnixMillis();
  auto noticed = noticed_.find(unix_ms);
  if (noticed == noticed_.end()) {
    if (unix_ms <= now) return unix_ms;
    noticed = noticed_.emplace(unix_ms, clock_.MonotonicMillis()).first;
  }
  return std::min(unix_ms, now - (clock_.MonotonicMillis() - noticed->second));
}

}  // namespace distill::server
