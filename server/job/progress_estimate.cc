#include "server/job/progress_estimate.h"

#include <algorithm>

namespace distill::server {

int64_t EstimateEnd(const ProgressStart& start, const JobProgress& progress, int64_t now_unix_ms) {
  double epochs_done = progress.epoch;
  if (progress.steps_per_epoch > 0) {
    epochs_done += std::min(
        1.0, static_cast<double>(progress.step) / static_cast<double>(progress.steps_per_epoch));
  }
  const double gained = epochs_done - start.epoch;
  const double left = progress.num_epochs - epochs_done;
  const auto elapsed_ms = static_cast<double>(now_unix_ms - start.at_unix_ms);
  if (gained <= 0 || left < 0 || elapsed_ms <= 0) return 0;
  return now_unix_ms + static_cast<int64_t>(elapsed_ms * left / gained);
}

}  // namespace distill::server
