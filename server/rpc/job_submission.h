#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job_service.pb.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/rpc/submit_rate.h"
#include "server/spec/job_resolver.h"

namespace distill::server {

/// A request to make jobs, single or many.
struct Submission {
  std::vector<v1::Job> jobs;
  Requester caller;
  std::string request_id;  // "" = none
  bool validate_only = false;
  bool is_batch = false;
};

/// What came of it.
struct SubmissionOutcome {
  std::vector<JobRecord> jobs;             // with validate_only: ids are 0
  std::vector<FieldViolation> violations;  // not empty: the request is at fault, nothing was stored
  std::string reason;                      // of a failure, when it is not the usual one
};

/// Checks and stores jobs. Thread-safe. Blocks on the store.
class JobSubmitter {
 public:
  /// All must outlive this object.
  JobSubmitter(JobStore& store, JobManager& manager, const FileLocator& files, SubmitRate& rate)
      : store_(store), manager_(manager), rate_(rate), resolver_(store, files) {}

  /// Fills `outcome` in. kInvalidArgument: violations, or the request id was used for other
  /// content. kAlreadyExists: a name is taken. kResourceExhausted: the queue is full, or the
  /// caller submits too fast.
  Status Submit(const Submission& submission, SubmissionOutcome& outcome) const;

 private:
  Status FindEarlierAnswer(const Submission& submission, const std::string& content_sha256,
                           SubmissionOutcome& outcome, bool& is_found) const;
  Status CheckNamesAreFree(const std::vector<JobSpec>& specs) const;

  JobStore& store_;
  JobManager& manager_;
  SubmitRate& rate_;
  JobResolver resolver_;
};

}  // namespace distill::server
