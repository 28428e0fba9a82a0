#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "server/job/job.h"

namespace distill::server {

/// What may lie in the run folders of jobs that have ended, and for how long.
struct RetentionPolicy {
  std::chrono::hours checkpoint_age{0};  // from the job's end; 0 = age removes none
  std::chrono::hours log_age{0};         // likewise
  int64_t max_bytes = 0;                 // of all run folders; 0 = no limit
  int64_t min_free_bytes = 0;            // of the disk
  bool may_remove_models = false;        // where size or disk demand it, after all else
};

/// A file that may be removed. Journals, specs, reports and records never are.
struct RunFile {
  enum class Kind { kCheckpoint, kLog, kModel };  // in the order of their removal
  JobId job = 0;
  int64_t ended_at_unix_ms = 0;
  Kind kind = Kind::kCheckpoint;
  std::filesystem::path path;
  int64_t bytes = 0;
};

struct DiskUse {
  int64_t used_bytes = 0;  // by all run folders
  int64_t free_bytes = 0;
};

/// Returns the files to remove: first what is too old, then, until size and free disk are as they
/// should be, training checkpoints, then logs, then (where the policy allows it) models; of each,
/// those of the job that ended first come first. `files` are those of ended jobs only. Pure.
std::vector<RunFile> FilesToRemove(std::vector<RunFile> files, DiskUse use,
                                   const RetentionPolicy& policy, int64_t now_unix_ms);

}  // namespace distill::server
