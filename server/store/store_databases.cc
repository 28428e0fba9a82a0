#include "server/store/store_databases.h"

#include <string_view>

#include "server/store/database_files.h"
#include "server/store/migrator.h"

namespace distill::server {
namespace {

std::filesystem::path FileIn(const SqliteJobStoreOptions& options, const char* name) {
  return options.state_directory == ":memory:" ? options.state_directory
                                               : options.state_directory / name;
}

}  // namespace

Status OpenDatabases(const SqliteJobStoreOptions& options, int64_t now_unix_ms,
                     StoreDatabases& databases) {
  SqliteDatabaseOptions database;
  database.busy_timeout = options.busy_timeout;
  database.max_bytes = options.max_database_bytes;
  database.max_checked_bytes = options.max_checked_bytes;
  database.frozen_because = options.read_only_because;
  const auto observe = [&](std::string_view name) {
    return options.observer == nullptr
               ? SqliteDatabaseOptions::OnWrite()
               : [observer = options.observer, name](std::chrono::nanoseconds duration, Code code) {
                   observer->OnWrite(name, duration, code);
                 };
  };
  database.on_write = observe("control");
  database.path = FileIn(options, kControlFile);
  database.application_id = kControlApplicationId;
  DISTILL_ASSIGN_OR_RETURN(databases.control,
                           SqliteDatabase::Open(database, ControlMigrations(), now_unix_ms));
  database.path = FileIn(options, kMetricsFile);
  database.application_id = kMetricsApplicationId;
  database.is_durable = false;
  database.on_write = observe("metrics");
  DISTILL_ASSIGN_OR_RETURN(databases.metrics,
                           SqliteDatabase::Open(database, MetricsMigrations(), now_unix_ms));
  return Status::Ok();
}

}  // namespace distill::server
