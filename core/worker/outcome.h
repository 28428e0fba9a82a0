#pragma once

#include <optional>

#include "core/base/exit_code.h"
#include "core/base/status.h"
#include "core/base/stop_order.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns the outcome that `status`, the result of a run, stands for. The entry points of the core
/// document their codes (core/train/trainer.h). A run that was stopped tells why: `order` is what
/// the daemon wrote into its run directory.
worker::v1::Outcome OutcomeOf(const Status& status, std::optional<StopOrder> order = std::nullopt);

/// Returns the exit code that says the same as `outcome`.
WorkerExit ExitCodeOf(const worker::v1::Outcome& outcome);

}  // namespace distill::core
