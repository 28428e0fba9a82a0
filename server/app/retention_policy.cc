#include "server/app/retention_policy.h"

#include <chrono>

namespace distill::server {

RetentionPolicy RetentionOf(const Config& config) {
  constexpr int kHoursOfDay = 24;
  RetentionPolicy policy;
  policy.checkpoint_age = std::chrono::hours(kHoursOfDay * config.retention_checkpoint_days);
  policy.log_age = std::chrono::hours(kHoursOfDay * config.retention_log_days);
  policy.max_bytes = config.retention_max_gib << 30;
  policy.min_free_bytes = config.min_free_disk_mib << 20;
  policy.may_remove_models = config.retention_removes_models;
  return policy;
}

}  // namespace distill::server
