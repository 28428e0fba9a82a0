#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "server/app/config.h"

namespace distill::server {

/// One thing that was looked at.
struct Finding {
  enum class Level { kOk, kWarning, kError };
  std::string subject;  // "control.db", "disk", …
  Level level = Level::kOk;
  std::string message;  // what was seen; for a fault also what to do
};

/// Looks at everything that the daemon of `config` stands on, without changing anything and whether
/// or not it runs: databases (searched whole), SQLite, state folder, disk, runs, processes, clock,
/// devices, worker, backup. Blocks on disk for as long as reading both databases takes.
std::vector<Finding> Examine(const Config& config, const Clock& clock);

/// Returns "ok", "warning" or "error".
std::string LevelName(Finding::Level level);

}  // namespace distill::server
