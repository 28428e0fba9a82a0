#pragma once

#include "core/base/exit_code.h"
#include "core/base/status.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns the outcome that `status`, the result of a run, stands for. The entry points of the core
/// document their codes (core/train/trainer.h).
worker::v1::Outcome OutcomeOf(const Status& status);

/// Returns the exit code that says the same as `outcome`.
WorkerExit ExitCodeOf(const worker::v1::Outcome& outcome);

}  // namespace distill::core
