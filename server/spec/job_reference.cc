#include "server/spec/job_reference.h"

#include <charconv>

#include "server/spec/name_rules.h"

namespace distill::server {

Result<JobId> FindJobId(JobStore& store, const std::string& reference, const std::string& caller) {
  if (reference == "@last") return store.FindNewestJob(caller);
  if (!IsDigits(reference)) {
    if (!IsName(reference)) {
      return Status(Code::kInvalidArgument,
                    "a job is named by its id, its name, or @last, not: " + reference);
    }
    return store.FindJobByName(reference);
  }
  JobId id = 0;
  const char* end = reference.data() + reference.size();
  if (std::from_chars(reference.data(), end, id).ec != std::errc()) {
    return Status(Code::kNotFound, "no job: " + reference);
  }
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, store.FindJob(id));
  return job.id;
}

Result<JobRecord> FindJobRecord(JobStore& store, const std::string& reference,
                                const std::string& caller) {
  DISTILL_ASSIGN_OR_RETURN(const JobId id, FindJobId(store, reference, caller));
  return store.FindJob(id);
}

}  // namespace distill::server
