#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

/// The newest schema that this program knows.
int NewestControlSchema();
int NewestMetricsSchema();

}  // namespace distill::server
