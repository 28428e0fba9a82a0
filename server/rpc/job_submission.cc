#include "server/rpc/job_submission.h"

#include <optional>

#include "core/base/sha256.h"
#include "server/spec/message_bytes.h"
#include "server/spec/name_rules.h"

namespace distill::server {
namespace {

constexpr size_t kMaxBatch = 1000;

// Only to tell requests apart.
std::string ContentSha256(const Submission& submission) {
  std::string bytes;
  for (const v1::Job& job : submission.jobs) {
    const std::string one = StableBytes(job);
    bytes += std::to_string(one.size()) + ':' + one;
  }
  return Sha256Hex(submission.caller.name + '\n' + bytes);
}

}  // namespace

Status JobSubmitter::FindEarlierAnswer(const Submission& submission,
                                       const std::string& content_sha256,
                                       SubmissionOutcome& outcome, bool& is_found) const {
  DISTILL_ASSIGN_OR_RETURN(const std::optional<KnownRequest> known,
                           store_.FindRequest(submission.request_id));
  if (!known) return {};
  if (known->content_sha256 != content_sha256) {
    outcome.reason = "REQUEST_ID_REUSED";
    return {Code::kInvalidArgument,
            "request_id was used for another request: " + submission.request_id};
  }
  for (const JobId id : known->jobs) {
    DISTILL_ASSIGN_OR_RETURN(JobRecord job, store_.FindJob(id));
    outcome.jobs.push_back(std::move(job));
  }
  is_found = true;
  return {};
}

Status JobSubmitter::CheckNamesAreFree(const std::vector<JobSpec>& specs) const {
  for (const JobSpec& spec : specs) {
    const Result<JobId> taken = store_.FindJobByName(spec.name);
    if (taken.ok()) return {Code::kAlreadyExists, "a job has this name: " + spec.name};
    if (taken.status().code() != Code::kNotFound) return taken.status();
  }
  return {};
}

Status JobSubmitter::Submit(const Submission& submission, SubmissionOutcome& outcome) const {
  if (submission.jobs.empty() || submission.jobs.size() > kMaxBatch) {
    outcome.violations = {{"jobs", std::to_string(submission.jobs.size()) + " jobs",
                           "must be 1 to " + std::to_string(kMaxBatch)}};
    return {};
  }
  const std::string content_sha256 = ContentSha256(submission);
  if (!submission.request_id.empty()) {
    if (!IsUuid(submission.request_id)) {
      outcome.violations = {{"request_id", submission.request_id, "must be a UUID"}};
      return {};
    }
    bool is_found = false;
    DISTILL_RETURN_IF_ERROR(FindEarlierAnswer(submission, content_sha256, outcome, is_found));
    if (is_found) return {};
  }
  DISTILL_RETURN_IF_ERROR(
      rate_.Take(submission.caller.name, static_cast<int64_t>(submission.jobs.size())));
  DISTILL_ASSIGN_OR_RETURN(
      Resolution resolution,
      resolver_.Resolve(submission.jobs, submission.caller, submission.is_batch));
  outcome.violations = std::move(resolution.violations);
  if (!outcome.violations.empty()) return {};
  if (submission.validate_only) {
    DISTILL_RETURN_IF_ERROR(CheckNamesAreFree(resolution.specs));
    for (JobSpec& spec : resolution.specs) {
      JobRecord record;
      record.spec = std::move(spec);
      // These may hold places in the list instead of ids.
      record.spec.depends_on.clear();
      record.spec.after.clear();
      outcome.jobs.push_back(std::move(record));
    }
    return {};
  }
  DISTILL_ASSIGN_OR_RETURN(
      outcome.jobs, manager_.CreateJobs(resolution.specs, submission.request_id, content_sha256));
  return {};
}

}  // namespace distill::server
