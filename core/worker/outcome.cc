#include "core/worker/outcome.h"

#include <string>

namespace distill::core {
namespace {

v1::Cause CauseOf(Code code) {
  switch (code) {
    case Code::kOk:
      return v1::CAUSE_UNSPECIFIED;
    case Code::kCancelled:
      return v1::CAUSE_USER;
    case Code::kDeadlineExceeded:
      return v1::CAUSE_TIME_LIMIT;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kPermissionDenied:
    case Code::kFailedPrecondition:
      return v1::CAUSE_BAD_SPEC;
    case Code::kDataLoss:
      return v1::CAUSE_BAD_DATA;
    case Code::kOutOfRange:
      return v1::CAUSE_DIVERGED;
    case Code::kResourceExhausted:
      return v1::CAUSE_OUT_OF_MEMORY;
    case Code::kUnavailable:
      return v1::CAUSE_DEVICE_ERROR;
    case Code::kAborted:
      return v1::CAUSE_STORAGE;
    default:
      return v1::CAUSE_INTERNAL;
  }
}

// Says of a run that was stopped what for.
void ApplyOrder(StopOrder order, worker::v1::Outcome& outcome) {
  outcome.set_message("stopped by order: " + std::string(StopOrderName(order)));
  if (order == StopOrder::kPreempt) outcome.set_cause(v1::CAUSE_PREEMPTED);
  if (order != StopOrder::kTimeLimit) return;
  outcome.set_state(v1::JOB_STATE_FAILED);
  outcome.set_cause(v1::CAUSE_TIME_LIMIT);
}

}  // namespace

worker::v1::Outcome OutcomeOf(const Status& status, std::optional<StopOrder> order) {
  worker::v1::Outcome outcome;
  outcome.set_cause(CauseOf(status.code()));
  outcome.set_message(status.message());
  if (status.ok()) {
    outcome.set_state(v1::JOB_STATE_SUCCEEDED);
  } else if (status.code() == Code::kCancelled) {
    outcome.set_state(v1::JOB_STATE_CANCELLED);
    if (order) ApplyOrder(*order, outcome);
  } else {
    outcome.set_state(v1::JOB_STATE_FAILED);
  }
  return outcome;
}

WorkerExit ExitCodeOf(const worker::v1::Outcome& outcome) {
  if (outcome.state() == v1::JOB_STATE_SUCCEEDED) return WorkerExit::kDone;
  switch (outcome.cause()) {
    case v1::CAUSE_USER:
    case v1::CAUSE_PREEMPTED:
      return WorkerExit::kStopped;
    case v1::CAUSE_BAD_SPEC:
      return WorkerExit::kBadSpec;
    case v1::CAUSE_BAD_DATA:
      return WorkerExit::kBadData;
    case v1::CAUSE_DEVICE_ERROR:
      return WorkerExit::kDeviceError;
    case v1::CAUSE_OUT_OF_MEMORY:
      return WorkerExit::kOutOfMemory;
    case v1::CAUSE_DIVERGED:
      return WorkerExit::kDiverged;
    case v1::CAUSE_TIME_LIMIT:
      return WorkerExit::kTimeLimit;
    case v1::CAUSE_STORAGE:
      return WorkerExit::kStorage;
    default:
      return WorkerExit::kInternal;
  }
}

}  // namespace distill::core
