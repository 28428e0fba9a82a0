#pragma once

#include <prometheus/collectable.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"

namespace distill::server {

/// What is read at the moment of a scrape: jobs by state, devices, disk, the process itself.
/// Thread-safe. What cannot be read is left out.
class StateCollector final : public prometheus::Collectable {
 public:
  /// The references must outlive this object.
  struct Sources {
    JobStore& store;
    JobManager& manager;
    const Clock& clock;
    std::filesystem::path state_directory;
    std::string version;
    std::string sqlite_version;
  };

  explicit StateCollector(Sources sources)
      : sources_(std::move(sources)), started_at_unix_ms_(sources_.clock.UnixMillis()) {}

  /// Blocks on disk and on the driver, some milliseconds.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Sources sources_;
  const int64_t started_at_unix_ms_;
};

}  // namespace distill::server
