#pragma once

#include <filesystem>
#include <vector>

#include "core/base/status.h"
#include "server/job/dataset.h"
#include "server/job/job.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

/// Makes run directories: turns a stored job into what a worker reads.
/// Thread-compatible. Blocks on disk.
class RunPreparer {
 public:
  virtual ~RunPreparer() = default;

  /// Makes runs/<job>/<attempt>/ with spec.json, durable on return. `dependencies` are the records
  /// of job.spec.depends_on; `earlier` are the job's earlier attempts (to resume from).
  /// kFailedPrecondition: a checkpoint that it needs does not exist; the message says which.
  virtual Result<LaunchRequest> PrepareJob(const JobRecord& job, const AttemptRecord& attempt,
                                           const std::vector<AttemptRecord>& earlier) = 0;

  /// Makes datasets/<id>/ with the spec of a scan.
  virtual Result<LaunchRequest> PrepareScan(const DatasetRecord& dataset) = 0;

  /// Returns where the files of an attempt lie.
  virtual std::filesystem::path RunDirectory(JobId job, int attempt) const = 0;
  virtual std::filesystem::path JobDirectory(JobId job) const = 0;
  virtual std::filesystem::path DatasetDirectory(int64_t dataset) const = 0;
};

}  // namespace distill::server
