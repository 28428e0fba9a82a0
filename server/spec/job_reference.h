#pragma once

#include <string>

#include "core/base/status.h"
#include "server/job/job_store.h"

namespace distill::server {

/// Returns the id of the job that `reference` names: an id, a name, or "@last", the newest job of
/// `caller`. Blocks on the store. kNotFound: there is none. kInvalidArgument: no such form.
Result<JobId> FindJobId(JobStore& store, const std::string& reference, const std::string& caller);

/// As FindJobId, and reads the job.
Result<JobRecord> FindJobRecord(JobStore& store, const std::string& reference,
                                const std::string& caller);

}  // namespace distill::server
