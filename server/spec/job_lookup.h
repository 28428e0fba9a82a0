#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "distill/v1/job.pb.h"
#include "distill/worker/v1/worker.pb.h"
#include "server/job/job_store.h"
#include "server/spec/class_map.h"
#include "server/spec/field_violation.h"
#include "server/spec/requester.h"

namespace distill::server {

/// A training job that another one refers to.
struct ReferredJob {
  JobId id = 0;           // negative: an earlier one of the same batch (see JobStore::InsertJobs)
  std::string reference;  // for the resolved request: the id, or the name of one without an id
  v1::TrainJob train;     // resolved
};

/// Looks up what the jobs of one request refer to, and notes as violations what is not there. A
/// failure of the store is kept in status(). Owned by one thread.
class JobLookup {
 public:
  /// `store` must outlive this object.
  JobLookup(JobStore& store, Requester caller) : store_(store), caller_(std::move(caller)) {}

  /// Makes a resolved job of the batch known to those after it.
  void AddEarlier(const v1::Job& resolved);

  /// Returns the training job called `reference`; violations go to `field`.
  std::optional<ReferredJob> FindTraining(const std::string& field, const std::string& reference,
                                          ViolationList& violations);

  /// Returns the id of the job called `reference`, of whatever kind (negative: an earlier one of
  /// the same batch), and rewrites `reference` to what stands for it in the resolved request.
  std::optional<JobId> FindAny(const std::string& field, std::string& reference,
                               ViolationList& violations);

  /// Returns the scan of the data set, which must be READY; violations go to `field`.
  std::optional<worker::v1::ScanReport> FindReadyDataset(const std::string& field,
                                                         const std::string& name,
                                                         ViolationList& violations);

  /// Returns the classes of a data set as they are now; none when it is unknown.
  ClassNames ClassesOf(const std::string& dataset);

  const Status& status() const { return status_; }

 private:
  std::optional<ReferredJob> FindEarlier(const std::string& reference) const;
  Result<JobRecord> FindVisible(const std::string& reference) const;
  std::string DatasetNames();
  void Keep(const Status& status);

  JobStore& store_;
  Requester caller_;
  std::vector<v1::Job> earlier_;
  Status status_;
};

}  // namespace distill::server
