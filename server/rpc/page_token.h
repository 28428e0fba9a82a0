#pragma once

#include <string>

#include "core/base/status.h"
#include "server/job/job_store.h"

namespace distill::server {

/// Returns a token for the page of `query`'s jobs that are older than `last_id`.
std::string MakePageToken(const JobListQuery& query, JobId last_id);

/// Returns the id that `token` goes on from. kInvalidArgument: no token of ours, or made for other
/// filters than those of `query`.
Result<JobId> ReadPageToken(const JobListQuery& query, const std::string& token);

}  // namespace distill::server
