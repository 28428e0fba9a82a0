#include "client/exit_code.h"

namespace distill::client {

ExitCode ExitCodeFor(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return ExitCode::kOk;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return ExitCode::kUsage;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return ExitCode::kNotAllowed;
    case Code::kNotFound:
      return ExitCode::kNotFound;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kAborted:
      return ExitCode::kConflict;
    case Code::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kError;
  }
}

Status AsLocalFault(const Status& status) {
  if (status.ok() || ExitCodeFor(status) == ExitCode::kInterrupted) return status;
  return {Code::kResourceExhausted, status.message()};
}

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

ExitCode ExitCodeFor(v1::JobState state) {
  switch (state) {
    case v1::JOB_STATE_SUCCEEDED:
      return ExitCode::kOk;
    case v1::JOB_STATE_FAILED:
      return ExitCode::kJobFailed;
    case v1::JOB_STATE_CANCELLED:
      return ExitCode::kJobCancelled;
    default:
      return ExitCode::kJobNotFinished;
  }
}

ExitCode Worse(ExitCode left, ExitCode right) {
  for (const ExitCode code :
       {ExitCode::kJobFailed, ExitCode::kJobNotFinished, ExitCode::kJobCancelled}) {
    if (left == code || right == code) return code;
  }
  return left == ExitCode::kOk ? right : left;
}

}  // namespace distill::client
