#pragma once

#include <optional>
#include <string>

#include "server/job/job.h"

namespace distill::server {

/// Returns what a hook or a webhook learns of a change of state, as one line of JSON:
/// {"event": "job_state", "at": RFC 3339, "job": {"id", "name", "owner", "kind", "model",
/// "dataset", "labels", "priority", "attempts", "device", "created_at", "started_at",
/// "finished_at"}, "from", "to", "cause", "actor", "message"}. Text that is not UTF-8 has U+FFFD
/// for what is not; times that are not known are null. `from`: none for a new job.
std::string JobFactsJson(const JobRecord& job, std::optional<JobState> from, int64_t at_unix_ms);

}  // namespace distill::server
