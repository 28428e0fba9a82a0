#include "server/job/exit_verdict.h"

#include <csignal>
#include <cstring>
#include <string>
#include <utility>

namespace distill::server {
namespace {

constexpr char kStorageRemedy[] =
    "; if the server's disk is full, make space (distilld doctor): the job goes on from its last "
    "checkpoint, by itself while it may try again, else by resume or requeue";

std::string Describe(const WorkerExitStatus& exit) {
  if (!exit.is_known) return "the worker is gone and left no outcome";
  if (exit.signal == 0) {
    return "the worker left no outcome, exit code: " + std::to_string(exit.exit_code);
  }
  std::string text = "the worker was ended by signal " + std::to_string(exit.signal);
  const char* name = ::sigabbrev_np(exit.signal);
  if (name != nullptr) text += " (SIG" + std::string(name) + ")";
  if (exit.signal == SIGXFSZ) text += "; a file would have been larger than max_artifact_bytes";
  if (exit.signal == SIGKILL) text += "; perhaps by the kernel, out of memory";
  return text;
}

Sentence WithDetail(const Sentence& text, const std::optional<WorkerOutcome>& outcome) {
  if (!outcome || outcome->message.empty()) return text;
  return text + ": " + outcome->message;
}

// Returns what becomes of a job whose worker the daemon itself told to leave. The journal's last
// word tells it even when the order was an earlier daemon's.
std::optional<Transition> FromOrder(const std::optional<WorkerOutcome>& outcome,
                                    const std::optional<GivenOrder>& order) {
  const bool is_preempted = (order && order->order == StopOrder::kPreempt) ||
                            (outcome && outcome->cause == Cause::kPreempted);
  if (is_preempted) {
    const Sentence reason = order && !order->reason.empty() ? order->reason : "pre-empted";
    return Transition{JobState::kInterrupted, Cause::kPreempted, "scheduler", reason};
  }
  if (order && order->order == StopOrder::kTimeLimit) {
    return Transition{JobState::kFailed, Cause::kTimeLimit, "daemon", order->reason};
  }
  return std::nullopt;
}

struct RetryBudget {
  int spent;
  int allowed;
  std::string_view name;
};

RetryBudget BudgetFor(const JobRecord& job) {
  switch (job.cause) {
    case Cause::kDeviceError:
      return {job.num_device_errors, job.spec.max_device_errors, "device error"};
    case Cause::kPreempted:
      return {job.num_preemptions, job.spec.max_preemptions, "pre-emption"};
    default:
      return {job.num_interruptions, job.spec.max_interruptions, "interruption"};
  }
}

// Of a worker that says itself what went wrong.
Transition JudgeFailure(JobState state, const WorkerOutcome& outcome) {
  const bool is_storage = outcome.cause == Cause::kStorage;
  const std::string remedy = is_storage ? kStorageRemedy : "";
  // The machine's fault, not the job's: it may go better on another device, or when the disk has
  // space again.
  const bool is_machines_fault = is_storage || outcome.cause == Cause::kDeviceError;
  if (state == JobState::kPausing && is_machines_fault) {
    return {JobState::kPaused, outcome.cause, "worker",
            WithDetail("paused, with its former checkpoint", outcome) + remedy};
  }
  const bool may_try_again = is_machines_fault && CanMove(state, JobState::kInterrupted);
  return {may_try_again ? JobState::kInterrupted : JobState::kFailed, outcome.cause, "worker",
          outcome.message + remedy};
}

}  // namespace

Transition JudgeExit(JobState state, const std::optional<WorkerOutcome>& outcome,
                     const WorkerExitStatus& exit, const std::optional<GivenOrder>& order) {
  if (outcome && outcome->state == JobState::kSucceeded) {
    return {JobState::kSucceeded, Cause::kNone, "worker", outcome->message};
  }
  if (state == JobState::kCancelling) {
    return {JobState::kCancelled, Cause::kUser, "daemon", WithDetail("cancelled", outcome)};
  }
  if (state == JobState::kPausing && (!outcome || outcome->state == JobState::kCancelled)) {
    return {JobState::kPaused, Cause::kUser, "daemon", "paused"};
  }
  if (!outcome || outcome->state == JobState::kCancelled) {
    if (auto transition = FromOrder(outcome, order)) return std::move(*transition);
  }
  if (!outcome) return {JobState::kInterrupted, Cause::kWorkerLost, "daemon", Describe(exit)};
  if (outcome->state == JobState::kCancelled) {
    // Nobody here ordered it: the machine goes down, or somebody sent a signal by hand.
    return {JobState::kInterrupted, Cause::kWorkerLost, "daemon",
            WithDetail("the worker was told to stop by somebody else", outcome)};
  }
  return JudgeFailure(state, *outcome);
}

Transition JudgeInterruption(const JobRecord& job) {
  const RetryBudget budget = BudgetFor(job);
  if (budget.spent <= budget.allowed) {
    return {JobState::kQueued, job.cause, "daemon", "starts again after: " + job.message};
  }
  return {JobState::kFailed, job.cause, "daemon",
          "given up after " + std::string(budget.name) + " " + std::to_string(budget.spent) + ": " +
              job.message};
}

}  // namespace distill::server
