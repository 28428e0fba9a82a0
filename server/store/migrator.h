#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace SQLite {
class Database;
}

namespace distill::server {

/// One step of a schema: migrations/<database>/NNNN_name.sql.
struct Migration {
  int version = 0;        // from 1, without gaps
  std::string_view name;  // the file's, without ".sql"
  std::string_view sql;
};

/// The migrations built into this program (made by cmake/EmbedSql.cmake).
const std::vector<Migration>& ControlMigrations();
const std::vector<Migration>& MetricsMigrations();

/// Brings `database` to the newest of `migrations` (in order, from version 1): each that is missing
/// is applied in one transaction with the note that it was, so that none is ever half applied.
/// Returns the schema's version. Blocks on disk.
/// kFailedPrecondition: the database is from a newer version, or a migration that was applied has
/// been changed since; nothing is changed then. kInternal: a migration is faulty; those before it
/// stay applied.
Result<int> Migrate(SQLite::Database& database, const std::vector<Migration>& migrations,
                    int64_t now_unix_ms);

}  // namespace distill::server
