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
  /// Larger databases are searched for damage beside the service, not before it begins.
  uint64_t max_checked_bytes = uint64_t{256} << 20U;
  /// Not empty: reading only, as far as the databases can be read at all; every change fails with
  /// kDataLoss and this message.
  std::string read_only_because;
  /// Whether to take the folder's lock. Without it, read_only_because must be set.
  bool takes_lock = true;
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
/// database is from a newer version. kDataLoss: a database is damaged, or missing although there
/// are runs; the message says what to do. Open it with read_only_because then.
Result<SqliteStores> OpenSqliteStores(const SqliteJobStoreOptions& options, const Clock& clock);

/// As OpenSqliteStores, for who needs the jobs only.
Result<std::unique_ptr<JobStore>> OpenSqliteJobStore(const SqliteJobStoreOptions& options,
                                                     const Clock& clock);

/// Returns the version of the SQLite library in use, e.g. "3.40.1".
std::string SqliteVersion();
/// The same as a number: 3040001.
int SqliteVersionNumber();

}  // namespace distill::server
