#pragma once

#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// How distillctl ends. Codes from 100 on tell the outcome of a job that was waited for. The man
/// page has the same table (deploy/man/distillctl.1.in).
enum class ExitCode : int {
  kOk = 0,
  kError = 1,         // a file here cannot be read or written, a limit, or a fault of the server's
  kUsage = 2,         // of the command line or a job file, or the server found the request wrong
  kUnreachable = 3,   // no server, or no answer in time
  kNotAllowed = 4,    // no token, one that does not hold, or another's job
  kNotFound = 5,      // no such job, data set or artifact
  kConflict = 6,      // the job is in another state, or the name is taken
  kWaitTimedOut = 7,  // wait --timeout
  kJobFailed = 100,
  kJobNotFinished = 101,
  kJobCancelled = 103,
  kInterrupted = 130,  // Ctrl-C; the jobs go on
};

/// Returns the exit code for a failed (or ok) call to the server.
ExitCode ExitCodeFor(const Status& status);

/// Returns the status of trouble with a file of this machine with a code that does not read like an
/// answer of the server: its exit code is kError.
Status AsLocalFault(const Status& status);

/// Returns true when `state` is one that a job never leaves by itself.
bool IsFinal(v1::JobState state);

/// Returns the exit code that tells how a job ended; kJobNotFinished for a state that is not final.
ExitCode ExitCodeFor(v1::JobState state);

/// Returns the code for two jobs together: failed before not finished before cancelled before ok.
ExitCode Worse(ExitCode left, ExitCode right);

}  // namespace distill::client
