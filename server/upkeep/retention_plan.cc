#include "server/upkeep/retention_plan.h"

#include <algorithm>
#include <tuple>

namespace distill::server {
namespace {

bool IsTooOld(const RunFile& file, const RetentionPolicy& policy, int64_t now_unix_ms) {
  if (file.kind == RunFile::Kind::kModel) return false;
  const std::chrono::milliseconds limit =
      file.kind == RunFile::Kind::kCheckpoint ? policy.checkpoint_age : policy.log_age;
  return limit.count() > 0 && now_unix_ms - file.ended_at_unix_ms > limit.count();
}

bool IsTight(const DiskUse& use, const RetentionPolicy& policy) {
  return (policy.max_bytes > 0 && use.used_bytes > policy.max_bytes) ||
         use.free_bytes < policy.min_free_bytes;
}

}  // namespace

std::vector<RunFile> FilesToRemove(std::vector<RunFile> files, DiskUse use,
                                   const RetentionPolicy& policy, int64_t now_unix_ms) {
  std::sort(files.begin(), files.end(), [](const RunFile& left, const RunFile& right) {
    return std::tie(left.kind, left.ended_at_unix_ms, left.job, left.path) <
           std::tie(right.kind, right.ended_at_unix_ms, right.job, right.path);
  });
  std::vector<RunFile> removed;
  const auto take = [&](const RunFile& file) {
    use.used_bytes -= file.bytes;
    use.free_bytes += file.bytes;
    removed.push_back(file);
  };
  std::vector<RunFile> young;
  for (const RunFile& file : files) {
    if (IsTooOld(file, policy, now_unix_ms)) {
      take(file);
    } else {
      young.push_back(file);
    }
  }
  for (const RunFile& file : young) {
    if (!IsTight(use, policy)) break;
    if (file.kind == RunFile::Kind::kModel && !policy.may_remove_models) break;
    take(file);
  }
  return removed;
}

}  // namespace distill::server
