#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace distill::server {

/// What was made again, and what could not be.
struct RebuildReport {
  bool has_new_control = false;
  bool has_new_metrics = false;     // empty: the journals are to be read into it
  std::filesystem::path old_files;  // where the databases lie that were replaced; "" = none were
  int num_jobs = 0;
  int num_datasets = 0;
  std::vector<std::string> copied_tables;  // what is in no record, read from the damaged database
  std::vector<std::string> losses;         // a sentence each
};

/// Makes the damaged databases of `state_directory` anew (both when `is_all`), and fills control.db
/// from the records beside the runs (row_dump.h). A job (a data set) whose record cannot be taken
/// is among the losses, and keeps no other from being taken; of two with one name, the later one
/// has it, and an earlier job comes back as NAME.ID. Other tables are copied from the damaged
/// database as far as it can be read. The old files are moved aside, never changed. metrics.db
/// comes out empty where it was damaged, or where control.db was. Blocks on disk.
/// kFailedPrecondition: a daemon runs; nothing is changed then. kResourceExhausted: the disk is
/// full; kDataLoss: what came out is not whole; the old files are in their place again then.
Result<RebuildReport> RebuildDatabases(const std::filesystem::path& state_directory, bool is_all,
                                       int64_t now_unix_ms);

}  // namespace distill::server
