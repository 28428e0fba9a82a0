#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/job/job_store.h"
#include "server/job/store_observer.h"

namespace distill::server {

struct SqliteJobStoreOptions {
  /// Holds control.db and metrics.db. ":memory:" = keep nothing (for tests).
  std::filesystem::path state_directory;
  std::chrono::milliseconds busy_timeout{5'000};
  int64_t max_database_bytes = 0;     // of each of the two; 0 = as the disk allows
  StoreObserver* observer = nullptr;  // may be null; must outlive the store
};

/// Opens the store in a state folder, which is made where it is missing and locked for as long as
/// the store lives. Migrations that are missing are applied.
/// kFailedPrecondition: another process uses the folder, it lies on a network file system, or a
/// database is from a newer version. kDataLoss: a database is damaged; the message says what to do.
Result<std::unique_ptr<JobStore>> OpenSqliteJobStore(const SqliteJobStoreOptions& options,
                                                     const Clock& clock);

/// Returns the version of the SQLite library in use, e.g. "3.40.1".
std::string SqliteVersion();

}  // namespace distill::server
