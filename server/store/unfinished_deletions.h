#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/base/status.h"
#include "server/job/job.h"
#include "server/store/intake.h"
#include "server/store/sqlite_database.h"

/// Deletions that a kill or a failure cut short: a job is deleted once its row in control.db is.
namespace distill::server::unfinished_deletions {

/// The jobs whose deletion the intake tells of, by whether it was carried out.
struct Noted {
  std::set<JobId> gone;     // their folders may be there
  std::vector<JobId> kept;  // their rows are there
};

/// Reads the intake's `notes` against control.db. Errors as SqliteDatabase::Read.
Result<Noted> Look(SqliteDatabase& control, const std::map<JobId, IntakeNote>& notes);

/// Removes what metrics.db has of jobs that are gone. Errors as SqliteDatabase::Write.
Status RemoveMetrics(SqliteDatabase& control, SqliteDatabase& metrics);

}  // namespace distill::server::unfinished_deletions
