#pragma once

#include <cstdint>
#include <map>

#include "server/job/scheduler.h"

namespace distill::server {

/// Returns when waiting jobs are expected to start, as far as that can be told: `ends` says when
/// running jobs will have ended by their own progress (Unix milliseconds). A job that waits behind
/// one whose length nobody knows is left out. Pure.
std::map<JobId, int64_t> ForecastStarts(const SchedulerSnapshot& snapshot,
                                        const ScheduleDecision& decision,
                                        const std::map<JobId, int64_t>& ends);

}  // namespace distill::server
