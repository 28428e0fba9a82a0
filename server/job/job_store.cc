#include "server/job/job_store.h"

namespace distill::server {

Result<std::vector<JobId>> JobStore::InsertJobs(const std::vector<JobSpec>& jobs,
                                                const std::string& request_id,
                                                const std::string& content_sha256,
                                                int64_t now_unix_ms) {
  const auto answers = InsertRequests({{jobs, request_id, content_sha256}}, now_unix_ms);
  DISTILL_ASSIGN_OR_RETURN(const std::vector<JobRecord> made, answers.front());
  std::vector<JobId> ids;
  for (const JobRecord& job : made) ids.push_back(job.id);
  return ids;
}

}  // namespace distill::server
