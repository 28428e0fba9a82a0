#include "server/store/unfinished_deletions.h"

#include "server/store/metric_rows.h"
#include "server/store/sql_statement.h"

namespace distill::server::unfinished_deletions {
namespace {

bool HasJob(SQLite::Database& control, JobId id) {
  return SelectInt(control, "SELECT 1 FROM job WHERE id = ?", id).has_value();
}

}  // namespace

Result<Noted> Look(SqliteDatabase& control, const std::map<JobId, IntakeNote>& notes) {
  return control.Read("look for jobs", [&](SQLite::Database& rows) -> Result<Noted> {
    Noted noted;
    for (const auto& [id, note] : notes) {
      if (note.kind == IntakeNote::Kind::kRecord) continue;
      if (HasJob(rows, id)) {
        noted.kept.push_back(id);
      } else {
        noted.gone.insert(id);
      }
    }
    return noted;
  });
}

Status RemoveMetrics(SqliteDatabase& control, SqliteDatabase& metrics) {
  DISTILL_ASSIGN_OR_RETURN(
      const auto jobs,
      metrics.Read("list metrics", [](SQLite::Database& rows) -> Result<std::vector<JobId>> {
        return metric_rows::ListJobs(rows);
      }));
  for (const JobId job : jobs) {
    DISTILL_ASSIGN_OR_RETURN(
        const bool is_there,
        control.Read("look for job",
                     [&](SQLite::Database& rows) -> Result<bool> { return HasJob(rows, job); }));
    if (is_there) continue;
    DISTILL_RETURN_IF_ERROR(metrics.Write("delete metrics", [&](SQLite::Database& rows) {
      metric_rows::Delete(rows, job);
      return Status::Ok();
    }));
  }
  return Status::Ok();
}

}  // namespace distill::server::unfinished_deletions
