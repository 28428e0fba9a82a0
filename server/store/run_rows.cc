#include "server/store/run_rows.h"

#include <algorithm>
#include <map>
#include <string>
#include <variant>

#include "server/store/job_rows.h"
#include "server/store/sql_statement.h"

namespace distill::server::run_rows {
namespace {

// Stores one event, told apart by its type. Events that control.db does not keep are ignored.
class EventWriter {
 public:
  EventWriter(SQLite::Database& control, JobId job, int attempt)
      : control_(control), job_(job), attempt_(attempt) {}

  void Write(const RunEvent& event) {
    at_unix_ms_ = event.at_unix_ms;
    std::visit([this](const auto& content) { Apply(content); }, event.event);
  }

 private:
  template <typename Other>
  void Apply(const Other&) {}

  void Apply(const WorkerStarted& started) {
    Execute(control_,
            "UPDATE attempt SET state = ?, resumed_from_epoch = ? WHERE job = ? AND number = ?"
            " AND finished_at_unix_ms = 0",
            static_cast<int>(JobState::kRunning), started.resumed_from_epoch, job_, attempt_);
  }

  void Apply(const WorkerOutcome& outcome) {
    Execute(control_,
            "UPDATE attempt SET state = ?, cause = ?, message = ? WHERE job = ? AND number = ?"
            " AND finished_at_unix_ms = 0",
            static_cast<int>(outcome.state), static_cast<int>(outcome.cause), outcome.message, job_,
            attempt_);
  }

  void Apply(const ArtifactRecord& artifact) {
    Execute(control_,
            "INSERT OR REPLACE INTO artifact (job, attempt, name, size_bytes, sha256, kind,"
            " created_at_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            job_, attempt_, artifact.name, artifact.size_bytes, artifact.sha256, artifact.kind,
            artifact.created_at_unix_ms != 0 ? artifact.created_at_unix_ms : at_unix_ms_);
  }

  // A later attempt evaluates anew: its figures replace the earlier ones.
  void Apply(const EvaluationRecord& evaluation) {
    Execute(control_,
            "DELETE FROM evaluation WHERE eval_job = ? AND attempt < ? AND model_job = ?"
            " AND split = ? AND tta = ?",
            job_, attempt_, evaluation.model_job, evaluation.split, evaluation.tta ? 1 : 0);
    Execute(control_,
            "INSERT INTO evaluation (eval_job, attempt, model_job, split, tta,"
            " finished_at_unix_ms, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
            job_, attempt_, evaluation.model_job, evaluation.split, evaluation.tta ? 1 : 0,
            evaluation.finished_at_unix_ms != 0 ? evaluation.finished_at_unix_ms : at_unix_ms_,
            Blob{evaluation.payload});
  }

  void Apply(const WorkerNotice& notice) {
    const auto state = SelectInt(control_, "SELECT state FROM job WHERE id = ?", job_);
    if (!state) return;
    const auto same = static_cast<JobState>(*state);
    job_rows::InsertEvent(
        control_,
        {0, job_, at_unix_ms_, same, {same, Cause::kNone, "worker", notice.message}, notice.level});
  }

  SQLite::Database& control_;
  const JobId job_;
  const int attempt_;
  int64_t at_unix_ms_ = 0;
};

bool IsKept(const RunEvent& event) {
  return std::holds_alternative<WorkerStarted>(event.event) ||
         std::holds_alternative<ArtifactRecord>(event.event) ||
         std::holds_alternative<EvaluationRecord>(event.event) ||
         std::holds_alternative<WorkerNotice>(event.event) ||
         std::holds_alternative<WorkerOutcome>(event.event);
}

EvaluationRecord ReadEvaluation(SQLite::Statement& query) {
  RowReader row(query);
  EvaluationRecord evaluation;
  evaluation.id = row.Int64();
  evaluation.eval_job = row.Int64();
  evaluation.model_job = row.Int64();
  evaluation.split = row.Int();
  evaluation.tta = row.Int() != 0;
  evaluation.finished_at_unix_ms = row.Int64();
  evaluation.payload = row.Text();
  return evaluation;
}

}  // namespace

bool Concerns(const RunEventBatch& batch) {
  return std::any_of(batch.events.begin(), batch.events.end(), IsKept);
}

Status Store(SQLite::Database& control, JobId job, int attempt, const RunEventBatch& batch) {
  SQLite::Statement mark(
      control, "SELECT journal_offset, journal_sequence FROM attempt WHERE job = ? AND number = ?");
  BindAll(mark, job, attempt);
  if (!mark.executeStep()) {
    return {Code::kNotFound,
            "no attempt " + std::to_string(attempt) + " of job " + std::to_string(job)};
  }
  const int64_t stored_offset = mark.getColumn(0).getInt64();
  int64_t sequence = mark.getColumn(1).getInt64();
  if (batch.next_offset <= stored_offset) return Status::Ok();
  EventWriter writer(control, job, attempt);
  for (const RunEvent& event : batch.events) {
    if (event.sequence <= sequence) continue;
    writer.Write(event);
    sequence = event.sequence;
  }
  Execute(
      control,
      "UPDATE attempt SET journal_offset = ?, journal_sequence = ? WHERE job = ? AND number = ?",
      batch.next_offset, sequence, job, attempt);
  return Status::Ok();
}

Result<int64_t> JournalOffset(SQLite::Database& control, JobId job, int attempt) {
  const auto offset = SelectInt(
      control, "SELECT journal_offset FROM attempt WHERE job = ? AND number = ?", job, attempt);
  if (offset) return *offset;
  return Status(Code::kNotFound,
                "no attempt " + std::to_string(attempt) + " of job " + std::to_string(job));
}

std::vector<ArtifactRecord> ListArtifacts(SQLite::Database& control, JobId job) {
  SQLite::Statement query(control,
                          "SELECT name, attempt, size_bytes, sha256, kind, created_at_unix_ms"
                          " FROM artifact WHERE job = ? ORDER BY attempt, name");
  BindAll(query, job);
  std::vector<ArtifactRecord> artifacts;
  while (query.executeStep()) {
    RowReader row(query);
    ArtifactRecord& artifact = artifacts.emplace_back();
    artifact.name = row.Text();
    artifact.attempt = row.Int();
    artifact.size_bytes = row.Int64();
    artifact.sha256 = row.Text();
    artifact.kind = row.Text();
    artifact.created_at_unix_ms = row.Int64();
  }
  return artifacts;
}

int64_t ArtifactBytesOf(SQLite::Database& control, const std::string& owner) {
  return SelectInt(control,
                   "SELECT coalesce(sum(size_bytes), 0) FROM artifact"
                   " JOIN job ON job.id = artifact.job WHERE job.owner = ?",
                   owner)
      .value_or(0);
}

std::vector<EvaluationRecord> ListEvaluations(SQLite::Database& control,
                                              const std::vector<JobId>& jobs) {
  std::map<int64_t, EvaluationRecord> by_id;  // a job may have made, and own, the same one
  SQLite::Statement query(control,
                          "SELECT id, eval_job, model_job, split, tta, finished_at_unix_ms, payload"
                          " FROM evaluation WHERE model_job = ?1 OR eval_job = ?1");
  for (const JobId job : jobs) {
    BindAll(query, job);
    while (query.executeStep()) {
      EvaluationRecord evaluation = ReadEvaluation(query);
      by_id[evaluation.id] = std::move(evaluation);
    }
  }
  std::vector<EvaluationRecord> evaluations;
  evaluations.reserve(by_id.size());
  for (auto& [id, evaluation] : by_id) evaluations.push_back(std::move(evaluation));
  return evaluations;
}

}  // namespace distill::server::run_rows
