#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "server/app/admin_verb.h"

namespace distill::server {

/// audit: prints what was done and refused, while the daemon may run.
AdminVerb AuditVerb();

/// Reads "90m", "36h", "7d" (so long before `now_unix_ms`), "2026-11-26" or "2026-11-26T14:00:00Z".
/// Returns Unix milliseconds. kInvalidArgument: anything else.
Result<int64_t> ParseSince(const std::string& text, int64_t now_unix_ms);

}  // namespace distill::server
