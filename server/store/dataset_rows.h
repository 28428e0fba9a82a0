#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/dataset.h"

namespace SQLite {
class Database;
}

/// Rows of data sets. Each function runs in its caller's transaction and lets SQLite::Exception
/// pass; the errors are those of JobStore's function of the same name.
namespace distill::server::dataset_rows {

Result<int64_t> Insert(SQLite::Database& control, const DatasetRecord& dataset);
Result<DatasetRecord> Find(SQLite::Database& control, const std::string& name);
std::vector<DatasetRecord> List(SQLite::Database& control);
Status Update(SQLite::Database& control, const DatasetRecord& dataset);
/// Returns the job that keeps it, if there is one.
Result<std::optional<JobId>> Delete(SQLite::Database& control, const std::string& name);

}  // namespace distill::server::dataset_rows
