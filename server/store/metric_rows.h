#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/job_store.h"
#include "server/job/run_event.h"

namespace SQLite {
class Database;
}

/// Rows of metrics.db. Each function runs in its caller's transaction and lets SQLite::Exception
/// pass.
namespace distill::server::metric_rows {

/// Stores the steps and epochs that are new in `batch` (which starts at `from_offset`), and how far
/// it goes. kOutOfRange: events before `from_offset` are missing.
Status Store(SQLite::Database& metrics, JobId job, int attempt, int64_t from_offset,
             const RunEventBatch& batch);

/// Returns the offset that Store has reached; 0 when it has stored nothing.
int64_t JournalOffset(SQLite::Database& metrics, JobId job, int attempt);

MetricPage List(SQLite::Database& metrics, JobId job, const std::vector<std::string>& names,
                int64_t cursor);

/// Fills in progress, latest and best metrics.
void FillFigures(SQLite::Database& metrics, std::vector<JobRecord>& jobs);

/// Returns what the first of `jobs` that told its peak used of a GPU.
std::optional<MemoryPeak> FindMemoryPeak(SQLite::Database& metrics, const std::vector<JobId>& jobs);

/// Returns the jobs that have rows here.
std::vector<JobId> ListJobs(SQLite::Database& metrics);

void Delete(SQLite::Database& metrics, JobId job);

}  // namespace distill::server::metric_rows
