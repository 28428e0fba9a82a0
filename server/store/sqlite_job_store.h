#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/access/access_store.h"
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

/// What a state folder holds. `access` keeps control.db open, but only `jobs` keeps the folder
/// locked: let `jobs` live longer.
struct SqliteStores {
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<AccessStore> access;
};

/// Opens the stores in a state folder, which is made where it is missing and locked for as long as
/// the job store lives. Migrations that are missing are applied.
/// kFailedPrecondition: another process uses the folder, it lies on a network file system, or a
/// database is from a newer version. kDataLoss: a database is damaged; the message says what to do.
Result<SqliteStores> OpenSqliteStores(const SqliteJobStoreOptions& options, const Clock& clock);

/// As OpenSqliteStores, for who needs the jobs only.
Result<std::unique_ptr<JobStore>> OpenSqliteJobStore(const SqliteJobStoreOptions& options,
                                                     const Clock& clock);

/// Returns the version of the SQLite library in use, e.g. "3.40.1".
std::string SqliteVersion();

}  // namespace distill::server
