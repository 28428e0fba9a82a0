#include "server/store/database_check.h"

#include <system_error>

#include "server/store/migrator.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_database.h"

namespace distill::server {
namespace {

constexpr int kBusyTimeoutMs = 30'000;
constexpr size_t kMaxFindings = 10;

void CheckPages(SQLite::Database& database, std::vector<std::string>& damage) {
  SQLite::Statement check(database, "PRAGMA integrity_check(10)");
  while (check.executeStep()) {
    const std::string finding = check.getColumn(0).getString();
    if (finding != "ok") damage.push_back(finding);
  }
}

void CheckReferences(SQLite::Database& database, std::vector<std::string>& damage) {
  SQLite::Statement check(database, "PRAGMA foreign_key_check");
  while (damage.size() < kMaxFindings && check.executeStep()) {
    damage.push_back("a row of " + check.getColumn(0).getString() +
                     " refers to one that is missing in " + check.getColumn(2).getString());
  }
}

int NewestOf(const std::vector<Migration>& migrations) {
  return migrations.empty() ? 0 : migrations.back().version;
}

}  // namespace

DatabaseFindings CheckDatabase(const std::filesystem::path& path) {
  DatabaseFindings findings;
  std::error_code error;
  findings.exists = std::filesystem::is_regular_file(path, error);
  if (!findings.exists) return findings;
  const Status status = Guard("read", [&]() -> Status {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY, kBusyTimeoutMs);
    findings.schema_version =
        static_cast<int>(SelectInt(database, "PRAGMA user_version").value_or(0));
    CheckPages(database, findings.damage);
    if (findings.damage.empty()) CheckReferences(database, findings.damage);
    return Status::Ok();
  });
  if (!status.ok()) findings.damage.push_back(status.message());
  return findings;
}

int NewestControlSchema() { return NewestOf(ControlMigrations()); }
int NewestMetricsSchema() { return NewestOf(MetricsMigrations()); }

}  // namespace distill::server
