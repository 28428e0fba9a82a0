#include "server/store/migrator.h"

#include <map>
#include <string>

#include "core/base/log.h"
#include "core/base/sha256.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_database.h"

namespace distill::server {
namespace {

constexpr char kCreateTable[] =
    "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " sha256 TEXT NOT NULL, applied_at_unix_ms INTEGER NOT NULL) STRICT";

std::map<int, std::string> AppliedChecksums(SQLite::Database& database) {
  std::map<int, std::string> checksums;
  SQLite::Statement query(database, "SELECT version, sha256 FROM schema_migration");
  while (query.executeStep()) {
    RowReader row(query);
    const int version = row.Int();
    checksums[version] = row.Text();
  }
  return checksums;
}

// Checks what was applied against what this program knows.
Status CheckApplied(const std::map<int, std::string>& applied,
                    const std::vector<Migration>& migrations) {
  const int newest_known = migrations.empty() ? 0 : migrations.back().version;
  const int newest_applied = applied.empty() ? 0 : applied.rbegin()->first;
  if (newest_applied > newest_known) {
    return {Code::kFailedPrecondition,
            "the database has schema version " + std::to_string(newest_applied) +
                ", this program knows none after " + std::to_string(newest_known) +
                ": start the newer version again, or restore a backup made before the upgrade"};
  }
  for (const Migration& migration : migrations) {
    const auto found = applied.find(migration.version);
    if (found != applied.end() && found->second != Sha256Hex(migration.sql)) {
      return {Code::kFailedPrecondition,
              "a migration differs from the one that was applied: " + std::string(migration.name)};
    }
  }
  return Status::Ok();
}

Status Apply(SQLite::Database& database, const Migration& migration, int64_t now_unix_ms) {
  return Guard("apply migration " + std::string(migration.name), [&] {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec(std::string(migration.sql));
    Execute(database, "INSERT INTO schema_migration VALUES (?, ?, ?, ?)", migration.version,
            std::string(migration.name), Sha256Hex(migration.sql), now_unix_ms);
    database.exec("PRAGMA user_version = " + std::to_string(migration.version));
    transaction.commit();
    return Status::Ok();
  });
}

}  // namespace

Result<int> Migrate(SQLite::Database& database, const std::vector<Migration>& migrations,
                    int64_t now_unix_ms) {
  DISTILL_ASSIGN_OR_RETURN(
      const auto applied, Guard("read schema version", [&]() -> Result<std::map<int, std::string>> {
        database.exec(kCreateTable);
        return AppliedChecksums(database);
      }));
  DISTILL_RETURN_IF_ERROR(CheckApplied(applied, migrations));
  for (const Migration& migration : migrations) {
    if (applied.count(migration.version) > 0) continue;
    DISTILL_RETURN_IF_ERROR(Apply(database, migration, now_unix_ms));
    LogInfo("migration applied", {{"name", std::string(migration.name)}});
  }
  return migrations.empty() ? 0 : migrations.back().version;
}

}  // namespace distill::server
