#pragma once

#include <string>

#include "core/base/status.h"
#include "server/job/run_event.h"

namespace distill::server {

/// Turns one frame of a run journal (a distill.worker.v1.RunEvent) into the daemon's own terms. An
/// event of a kind that this version does not know comes back empty, with its sequence number.
/// kInvalidArgument: `payload` is no RunEvent.
Result<RunEvent> ParseRunEvent(const std::string& payload);

}  // namespace distill::server
