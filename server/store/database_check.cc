#include "server/store/database_check.h"

#include <system_error>

#include "server/store/database_files.h"
#include "server/store/migrator.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_database.h"

namespace distill::server {
namespace {

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
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY, kReaderBusyTimeoutMs);
    findings.schema_version =
        static_cast<int>(SelectInt(database, "PRAGMA user_version").value_or(0));
    CheckPages(database, findings.damage);
    if (findings.damage.empty()) CheckReferences(database, findings.damage);
    return Status::Ok();
  });
  if (!status.ok()) findings.damage.push_back(status.message());
  return findings;
}

std::string FindDamage(SQLite::Database& database) {
  SQLite::Statement pages(database, "PRAGMA quick_check(1)");
  if (pages.executeStep()) {
    std::string verdict = pages.getColumn(0).getString();
    if (verdict != "ok") return verdict;
  }
  SQLite::Statement references(database, "PRAGMA foreign_key_check");
  if (!references.executeStep()) return "";
  return "a row of " + references.getColumn(0).getString() + " refers to one that is missing in " +
         references.getColumn(2).getString();
}

Status CheckNoneIsMissing(const std::filesystem::path& state_directory) {
  std::error_code error;
  const std::filesystem::path runs = state_directory / "runs";
  if (!std::filesystem::is_directory(runs, error) || std::filesystem::is_empty(runs, error)) {
    return Status::Ok();
  }
  for (const char* name : {kControlFile, kMetricsFile}) {
    const std::filesystem::path file = state_directory / name;
    if (std::filesystem::exists(file, error)) continue;
    return {Code::kDataLoss, "a database is missing, but there are runs: " + file.string()};
  }
  return Status::Ok();
}

bool HasWalResetFault(int number) {
  constexpr int kFirst = 3'007'000;
  constexpr int kFixed = 3'051'003;
  const bool is_patched =
      (number >= 3'044'006 && number < 3'045'000) || (number >= 3'050'007 && number < 3'051'000);
  return number >= kFirst && number < kFixed && !is_patched;
}

int NewestControlSchema() { return NewestOf(ControlMigrations()); }
int NewestMetricsSchema() { return NewestOf(MetricsMigrations()); }

}  // namespace distill::server
