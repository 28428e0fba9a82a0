#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "server/job/job_store.h"
#include "server/job/run_event.h"

namespace SQLite {
class Database;
}

/// What a run journal adds to control.db: the attempt's course, artifacts, evaluations, notices.
/// Each function runs in its caller's transaction and lets SQLite::Exception pass.
namespace distill::server::run_rows {

/// Returns whether control.db keeps anything of `batch`. Steps and epochs go to metrics.db alone,
/// so that they cost no fsync.
bool Concerns(const RunEventBatch& batch);

/// Stores what is new in `batch`, and how far it goes. kNotFound: no such attempt.
Status Store(SQLite::Database& control, JobId job, int attempt, const RunEventBatch& batch);

/// Returns the offset that Store has reached. kNotFound: no such attempt.
Result<int64_t> JournalOffset(SQLite::Database& control, JobId job, int attempt);

std::vector<ArtifactRecord> ListArtifacts(SQLite::Database& control, JobId job);
int64_t ArtifactBytesOf(SQLite::Database& control, const std::string& owner);
std::vector<EvaluationRecord> ListEvaluations(SQLite::Database& control,
                                              const std::vector<JobId>& jobs);

}  // namespace distill::server::run_rows
