#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace SQLite {
class Database;
}

namespace distill::server {

/// What was found in one database file.
struct DatabaseFindings {
  bool exists = false;
  int schema_version = 0;
  std::vector<std::string> damage;  // empty: whole
};

/// Reads the whole database at `path` without changing it: integrity and foreign keys. A daemon may
/// use it meanwhile. Blocks on disk for as long as that takes.
DatabaseFindings CheckDatabase(const std::filesystem::path& path);

/// Searches an open database for damage the quick way (quick_check, foreign_key_check). Returns the
/// first that is found, "" where there is none. Lets SQLite::Exception pass. Blocks on disk for as
/// long as reading all of it takes; sqlite3_interrupt() ends it.
std::string FindDamage(SQLite::Database& database);

/// kDataLoss: there are runs in `state_directory`, but not both databases. An empty one beside the
/// runs of a lost one would forget them.
Status CheckNoneIsMissing(const std::filesystem::path& state_directory);

/// Returns whether a version of SQLite has the WAL-reset fault: 3.7.0 to 3.51.2, but for 3.44.6 and
/// 3.50.7 and what follows them. `number` as sqlite3_libversion_number() has it. Pure.
bool HasWalResetFault(int number);

/// The newest schema that this program knows.
int NewestControlSchema();
int NewestMetricsSchema();

}  // namespace distill::server
