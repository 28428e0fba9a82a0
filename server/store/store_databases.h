#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/base/status.h"
#include "server/store/sqlite_database.h"
#include "server/store/sqlite_job_store.h"
#include "server/store/state_directory.h"

namespace distill::server {

/// The databases of a state folder.
struct StoreDatabases {
  std::optional<StateDirectory> lock;       // none in memory
  std::shared_ptr<SqliteDatabase> control;  // shared with the AccessStore
  std::unique_ptr<SqliteDatabase> metrics;
  bool is_read_only = false;
};

/// Opens both into `databases` and brings their schemas up to date. Errors as SqliteDatabase::Open.
Status OpenDatabases(const SqliteJobStoreOptions& options, int64_t now_unix_ms,
                     StoreDatabases& databases);

}  // namespace distill::server
