#pragma once

#include <map>
#include <string>

#include "core/base/status.h"
#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"
#include "server/job/job_store.h"
#include "server/rpc/call_access.h"

namespace distill::server {

/// Takes out of answers what tells their reader of jobs that are not the reader's to see: their
/// numbers, in fields and in sentences ("which job 7 uses" becomes "which a job of another member
/// uses"), and what hangs on them. Does nothing for a reader who sees all jobs. What the reader
/// wrote into an own spec stays. Owned by one thread; blocks on the store.
class JobVeil {
 public:
  /// `store` must outlive this object; `call` need not.
  JobVeil(const AdmittedCall& call, JobStore& store)
      : reader_(call.caller().name), hides_(call.sees_only_own_jobs()), store_(store) {}

  void Cover(std::string& sentence);
  void Cover(v1::Job& job);
  void Cover(v1::JobEvent& event) { Cover(*event.mutable_message()); }
  void Cover(v1::QueueEntry& entry);
  void Cover(v1::ExplainJobResponse& answer);
  /// Leaves of a hidden job that it is there, and its memory.
  void Cover(v1::Device& device) const;
  /// Takes out evaluations that hidden jobs made.
  void Cover(v1::ListEvaluationsResponse& answer);
  /// Returns `status` with its message covered.
  Status Covered(const Status& status);

 private:
  bool Hides(const std::string& job);
  void Cover(v1::Waiting& waiting);

  const std::string reader_;
  const bool hides_;
  JobStore& store_;
  std::map<std::string, bool> is_hidden_;  // of the jobs asked for, by number
};

}  // namespace distill::server
