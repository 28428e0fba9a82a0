#pragma once

#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// How distillctl ends. Codes from 100 on tell the outcome of a job that was waited for.
enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kUnreachable = 3,
  kNotAllowed = 4,
  kNotFound = 5,
  kConflict = 6,
  kWaitTimedOut = 7,
  kJobFailed = 100,
  kJobNotFinished = 101,
  kJobCancelled = 103,
  kInterrupted = 130,
};

/// Returns the exit code for a failed (or ok) call to the server.
ExitCode ExitCodeFor(const Status& status);

/// Returns true when `state` is one that a job never leaves by itself.
bool IsFinal(v1::JobState state);

/// Returns the exit code that tells how a job ended; kJobNotFinished for a state that is not final.
ExitCode ExitCodeFor(v1::JobState state);

/// Returns the code for two jobs together: failed before not finished before cancelled before ok.
ExitCode Worse(ExitCode left, ExitCode right);

}  // namespace distill::client
