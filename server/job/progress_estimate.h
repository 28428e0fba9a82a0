#pragma once

#include <cstdint>

#include "server/job/job.h"

namespace distill::server {

/// Where an attempt began.
struct ProgressStart {
  int64_t at_unix_ms = 0;
  int epoch = 0;  // epochs done when it began
};

/// Returns when a run will have done all its epochs if it goes on as it did since `start`; 0 while
/// that is unknown. `progress` is its state at `now_unix_ms`. Validation counts as it comes: it is
/// part of the time that an epoch takes.
int64_t EstimateEnd(const ProgressStart& start, const JobProgress& progress, int64_t now_unix_ms);

}  // namespace distill::server
