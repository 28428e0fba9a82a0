#pragma once

#include <optional>

#include "server/job/job.h"
#include "server/job/run_event.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

/// Decides what a job becomes whose worker process is gone. Pure. `state` is the job's; `outcome`
/// is the last word in its journal, if there was one. An outcome counts for more than how the
/// process ended, and what was ordered counts for more than a failure, but not than success.
/// Without an outcome the job is INTERRUPTED, and the message says how the process ended.
/// REQUIRES: HasWorker(state).
Transition JudgeExit(JobState state, const std::optional<WorkerOutcome>& outcome,
                     const WorkerExitStatus& exit);

/// Decides whether an interrupted job is queued again or has FAILED, after its interruptions were
/// counted. Pure.
Transition JudgeInterruption(const JobRecord& job);

}  // namespace distill::server
