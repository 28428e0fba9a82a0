#pragma once

#include <optional>
#include <string>

#include "core/base/stop_order.h"
#include "server/job/job.h"
#include "server/job/run_event.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

/// What a worker was told, and why.
struct GivenOrder {
  StopOrder order = StopOrder::kCancel;
  Sentence reason;
};

/// Decides what a job becomes whose worker process is gone. Pure. `state` is the job's; `outcome`
/// is the last word in its journal, if there was one; `order` is what the worker was told, if it
/// was. An outcome counts for more than how the process ended, and what was ordered counts for more
/// than a failure, but not than success; what the user ordered is in `state`. A job that was
/// pre-empted is INTERRUPTED. Without an outcome the job is INTERRUPTED, and the message says how
/// the process ended. REQUIRES: HasWorker(state).
Transition JudgeExit(JobState state, const std::optional<WorkerOutcome>& outcome,
                     const WorkerExitStatus& exit,
                     const std::optional<GivenOrder>& order = std::nullopt);

/// Decides whether an interrupted job is queued again or has FAILED, after its interruptions were
/// counted. Pure.
Transition JudgeInterruption(const JobRecord& job);

}  // namespace distill::server
