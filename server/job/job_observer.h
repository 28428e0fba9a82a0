#pragma once

#include <optional>

#include "server/job/job.h"

namespace distill::server {

/// Sees every change of a job's state, for figures. Thread-safe.
class JobObserver {
 public:
  virtual ~JobObserver() = default;

  /// `job` went to its present state, from `from` (none: it was made). Called when the change is
  /// stored, with the manager's lock held: must be quick, must not block or call the manager.
  virtual void OnMove(const JobRecord& job, std::optional<JobState> from) = 0;
};

}  // namespace distill::server
