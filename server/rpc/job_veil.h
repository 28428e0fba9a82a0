#pragma once

#include <map>
#include <string>

#include "server/job/job_store.h"
#include "server/job/sentence.h"
#include "server/rpc/call_access.h"

namespace distill::server {

/// What the reader of an answer may know of jobs. Every answer that tells of jobs is made for one
/// (job_messages.h). Hides nothing from a reader who sees all jobs. Owned by one thread; blocks on
/// the store.
class JobVeil {
 public:
  /// `store` must outlive this object; `call` need not.
  JobVeil(const AdmittedCall& call, JobStore& store)
      : reader_(call.caller().name), hides_(call.sees_only_own_jobs()), store_(store) {}

  /// Whether the reader may not know of `job`; of one that is gone, which was anybody's, neither.
  bool Hides(JobId job);
  bool HidesJobsOf(const std::string& owner) const { return hides_ && owner != reader_; }

  /// Returns `sentence` for the reader: "which job 7 uses", or "which a job of another member
  /// uses".
  std::string Print(const Sentence& sentence);

 private:
  const std::string reader_;
  const bool hides_;
  JobStore& store_;
  std::map<JobId, bool> is_hidden_;  // of the jobs asked for
};

}  // namespace distill::server
