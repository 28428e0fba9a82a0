#pragma once

#include "server/app/config.h"
#include "server/upkeep/retention_plan.h"

namespace distill::server {

/// Returns what `config` says of files of ended jobs.
RetentionPolicy RetentionOf(const Config& config);

}  // namespace distill::server
