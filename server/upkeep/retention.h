#pragma once

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/job/job_store.h"
#include "server/upkeep/retention_plan.h"

namespace distill::server {

/// What a look at the run folders found.
struct RetentionSurvey {
  DiskUse use;
  std::vector<RunFile> to_remove;
};

/// Returns what `policy` would remove now in `state_directory`. Changes nothing. Blocks on disk.
/// kUnavailable: the folder cannot be looked at; else as JobStore.
Result<RetentionSurvey> SurveyRuns(const std::filesystem::path& state_directory, JobStore& store,
                                   const RetentionPolicy& policy, int64_t now_unix_ms);

/// Returns how much of the disk under `path` is free; kUnavailable: it does not tell.
Result<int64_t> FreeBytes(const std::filesystem::path& path);

/// Removes what the policy says, when it starts and every ten minutes after. Has a thread of its
/// own.
class Retention {
 public:
  /// `store` and `clock` must outlive this object.
  Retention(std::filesystem::path state_directory, JobStore& store, const Clock& clock,
            const RetentionPolicy& policy);
  ~Retention();
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  /// One pass, in the caller's thread. Returns how many files are gone. Errors as SurveyRuns.
  Result<int> RunOnce();

 private:
  void Loop() EXCLUDES(mutex_);

  const std::filesystem::path state_directory_;
  JobStore& store_;
  const Clock& clock_;
  const RetentionPolicy policy_;
  Mutex mutex_;
  ConditionVariable stopping_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace distill::server
