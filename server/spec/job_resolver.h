#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job.pb.h"
#include "server/job/job_store.h"
#include "server/spec/field_violation.h"
#include "server/spec/file_locator.h"
#include "server/spec/requester.h"

namespace distill::server {

/// What came of a request: specs to store, or what is wrong with it.
struct Resolution {
  std::vector<JobSpec> specs;              // whole only when there are no violations
  std::vector<FieldViolation> violations;  // of all jobs
};

/// Checks requests for jobs and turns them into what is stored: defaults filled in, files found,
/// data sets and jobs looked up.
///
/// JobSpec::resolved is a distill.v1.Job whose `train` or `eval` stands on its own: files are real
/// paths, input.mean and input.std are numbers whatever the normalisation, a teacher from a job has
/// that job's model and normalisation, an evaluation that of the model it evaluates. Jobs are named
/// by id there; one that comes earlier in the same batch has no id yet and is named by its name:
/// look it up among the jobs of JobSpec::depends_on.
///
/// Thread-safe. Blocks on the store and on disk.
class JobResolver {
 public:
  /// Both must outlive this object.
  JobResolver(JobStore& store, const FileLocator& files) : store_(store), files_(files) {}

  /// Resolves `jobs` of `requester`, who owns them. Field paths start with "jobs[i]." when there
  /// may be several
  /// (`is_batch`). A failure status means that the store could not be read.
  Result<Resolution> Resolve(const std::vector<v1::Job>& jobs, const Requester& requester,
                             bool is_batch) const;

 private:
  JobStore& store_;
  const FileLocator& files_;
};

/// Returns the resolved request of a stored job. kDataLoss: it cannot be read.
Result<v1::Job> ResolvedRequest(const JobSpec& spec);

}  // namespace distill::server
