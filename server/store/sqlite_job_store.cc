#include "server/store/sqlite_job_store.h"

#include <SQLiteCpp/Savepoint.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/fault_point.h"
#include "core/base/log.h"
#include "server/store/background_check.h"
#include "server/store/damage_note.h"
#include "server/store/database_backup.h"
#include "server/store/database_check.h"
#include "server/store/database_files.h"
#include "server/store/dataset_rows.h"
#include "server/store/intake.h"
#include "server/store/job_records.h"
#include "server/store/job_rows.h"
#include "server/store/metric_rows.h"
#include "server/store/run_rows.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_access_store.h"
#include "server/store/sqlite_database.h"
#include "server/store/state_directory.h"
#include "server/store/store_databases.h"
#include "server/store/unfinished_deletions.h"

namespace distill::server {
namespace {

using Database = SQLite::Database;

// What to do about damage, with what there is to do it with.
std::string Remedy(const std::filesystem::path& state_directory) {
  return "; " + NewestBackup(state_directory) +
         "; stop distilld, then restore the file from a backup, or run `distilld rebuild`, which "
         "makes it again from the run folders (deploy/README.md)";
}

class SqliteJobStore final : public JobStore {
 public:
  SqliteJobStore(std::filesystem::path state_directory, StoreDatabases databases)
      : state_directory_(std::move(state_directory)),
        lock_(std::move(databases.lock)),
        control_(std::move(databases.control)),
        metrics_(std::move(databases.metrics)),
        is_read_only_(databases.is_read_only) {}

  // The folder of a job that an older backup does not know keeps its number, and so does a job that
  // the intake tells of.
  Status KeepNumbers(const std::filesystem::path& state_directory, JobId last_noted) {
    const int64_t last_job = std::max(LastNumberIn(state_directory / "runs"), last_noted);
    const int64_t last_dataset = LastNumberIn(state_directory / "datasets");
    return control_->Write("keep numbers", [&](Database& control) {
      job_rows::ContinueAfter(control, "job", last_job);
      job_rows::ContinueAfter(control, "dataset", last_dataset);
      return Status::Ok();
    });
  }

  // What runs beside the store as long as it serves.
  Status BeginService(const SqliteJobStoreOptions& options) {
    const std::map<JobId, IntakeNote> notes = ReadIntake(options.state_directory);
    const JobId last_noted = notes.empty() ? 0 : notes.rbegin()->first;
    DISTILL_RETURN_IF_ERROR(KeepNumbers(options.state_directory, last_noted));
    SearchOn(options);
    DISTILL_ASSIGN_OR_RETURN(unfinished_deletions::Noted deletions,
                             unfinished_deletions::Look(*control_, notes));
    records_ =
        std::make_unique<JobRecords>(options.state_directory, *control_, std::move(deletions.gone));
    // Their deletion was not carried out: its note is taken back.
    if (!deletions.kept.empty()) records_->NoteSubmitted(deletions.kept);
    return Status::Ok();
  }

  // Searches the databases that were too large for it before.
  void SearchOn(const SqliteJobStoreOptions& options) {
    std::vector<std::filesystem::path> unchecked;
    if (!control_->is_checked()) unchecked.push_back(options.state_directory / kControlFile);
    if (!metrics_->is_checked()) unchecked.push_back(options.state_directory / kMetricsFile);
    check_ = std::make_unique<BackgroundCheck>(
        std::move(unchecked), [this, observer = options.observer](const std::filesystem::path& path,
                                                                  const std::string& damage) {
          const std::string message = "the database " + path.string() + " is damaged: " + damage +
                                      Remedy(path.parent_path());
          NoteDamage(path, damage);
          LogError("database damaged, read-only from now on", {{"error", message}});
          control_->Freeze(message);
          metrics_->Freeze(message);
          if (observer != nullptr) observer->OnDamage(path.stem().string(), message);
        });
  }

  // A deletion that was cut short between the two databases is finished.
  Status RemoveOrphans() { return unfinished_deletions::RemoveMetrics(*control_, *metrics_); }

  std::vector<Result<std::vector<JobRecord>>> InsertRequests(
      const std::vector<JobRequest>& requests, int64_t now_unix_ms) override {
    Answers answers = InsertTogether(requests, now_unix_ms);
    std::vector<JobId> ids;
    for (const auto& answer : answers) {
      if (!answer.ok()) continue;
      for (const JobRecord& job : *answer) ids.push_back(job.id);
    }
    if (!ids.empty() && records_) records_->NoteSubmitted(ids);
    return answers;
  }

  Result<std::optional<KnownRequest>> FindRequest(const std::string& request_id) override {
    return control_->Read("find request",
                          [&](Database& control) -> Result<std::optional<KnownRequest>> {
                            return job_rows::FindRequest(control, request_id);
                          });
  }

  Result<JobRecord> FindJob(JobId id) override {
    DISTILL_ASSIGN_OR_RETURN(JobRecord job, control_->Read("find job", [&](Database& control) {
      return job_rows::Find(control, id);
    }));
    return WithFigures(std::move(job));
  }

  Result<JobId> FindJobByName(const std::string& name) override {
    return control_->Read("find job",
                          [&](Database& control) { return job_rows::FindByName(control, name); });
  }

  Result<JobId> FindNewestJob(const std::string& owner) override {
    return control_->Read("find newest job",
                          [&](Database& control) { return job_rows::FindNewest(control, owner); });
  }

  Result<std::vector<JobRecord>> ListJobs(const JobListQuery& query) override {
    DISTILL_ASSIGN_OR_RETURN(
        auto jobs,
        control_->Read("list jobs", [&](Database& control) -> Result<std::vector<JobRecord>> {
          return job_rows::List(control, query);
        }));
    return WithFigures(std::move(jobs));
  }

  Result<std::vector<JobRecord>> ListActiveJobs() override {
    DISTILL_ASSIGN_OR_RETURN(
        auto jobs, control_->Read("list active jobs",
                                  [&](Database& control) -> Result<std::vector<JobRecord>> {
                                    return job_rows::ListActive(control);
                                  }));
    return WithFigures(std::move(jobs));
  }

  Result<JobCounts> CountJobs() override {
    return control_->Read("count jobs", [](Database& control) -> Result<JobCounts> {
      return job_rows::Count(control);
    });
  }

  Result<std::vector<JobId>> ListActiveDependents(JobId id) override {
    return control_->Read("list dependents", [&](Database& control) -> Result<std::vector<JobId>> {
      return job_rows::ListActiveDependents(control, id);
    });
  }

  Result<JobRecord> MoveJob(JobId id, JobState from, const Transition& transition,
                            int64_t now_unix_ms) override {
    DISTILL_ASSIGN_OR_RETURN(JobRecord job, control_->Write("move job", [&](Database& control) {
      return job_rows::Move(control, id, from, transition, now_unix_ms);
    }));
    NoteChange(id);
    return WithFigures(std::move(job));
  }

  Result<AttemptRecord> StartAttempt(JobId id, const std::vector<std::string>& devices,
                                     int64_t now_unix_ms) override {
    // An older backup may not know of all attempts: none runs in the folder of another.
    const int64_t last_folder = LastNumberIn(state_directory_ / "runs" / std::to_string(id));
    auto attempt = control_->Write("start attempt", [&](Database& control) {
      return job_rows::StartAttempt(control, id, last_folder, devices, now_unix_ms);
    });
    NoteChange(id);
    return attempt;
  }

  Status SetAttemptProcess(JobId id, int attempt, int pid, int64_t pid_start_ticks) override {
    AttemptRecord record;
    record.job = id;
    record.number = attempt;
    record.pid = pid;
    record.pid_start_ticks = pid_start_ticks;
    Status status = control_->Write("note process", [&](Database& control) {
      return job_rows::SetAttemptProcess(control, record);
    });
    NoteChange(id);
    return status;
  }

  Status FinishAttempt(JobId id, int attempt, const Transition& transition,
                       int64_t now_unix_ms) override {
    AttemptRecord record;
    record.job = id;
    record.number = attempt;
    record.state = transition.to;
    record.cause = transition.cause;
    record.message = transition.message;
    record.finished_at_unix_ms = now_unix_ms;
    Status status = control_->Write("finish attempt", [&](Database& control) {
      return job_rows::FinishAttempt(control, record);
    });
    NoteChange(id);
    return status;
  }

  Result<std::vector<AttemptRecord>> ListAttempts(JobId id) override {
    return control_->Read("list attempts",
                          [&](Database& control) -> Result<std::vector<AttemptRecord>> {
                            return job_rows::ListAttempts(control, id);
                          });
  }

  Result<std::vector<JobEventRecord>> ListEvents(JobId id, int64_t after_event_id) override {
    return control_->Read("list events",
                          [&](Database& control) -> Result<std::vector<JobEventRecord>> {
                            return job_rows::ListEvents(control, id, after_event_id);
                          });
  }

  Result<std::vector<JobEventRecord>> ListAllEvents(int64_t after_event_id, int limit) override {
    return control_->Read("list events",
                          [&](Database& control) -> Result<std::vector<JobEventRecord>> {
                            return job_rows::ListAllEvents(control, after_event_id, limit);
                          });
  }

  Result<int64_t> NewestEventId() override {
    return control_->Read("find newest event", [](Database& control) -> Result<int64_t> {
      return SelectInt(control, "SELECT max(id) FROM job_event").value_or(0);
    });
  }

  Status AddInterruption(JobId id, Cause cause) override {
    Status status = control_->Write("count interruption", [&](Database& control) {
      return job_rows::AddInterruption(control, id, cause);
    });
    NoteChange(id);
    return status;
  }

  Result<std::vector<DeviceUsage>> ListUsage(int64_t since_unix_ms) override {
    return control_->Read("list device usage",
                          [&](Database& control) -> Result<std::vector<DeviceUsage>> {
                            return job_rows::ListUsage(control, since_unix_ms);
                          });
  }

  Result<std::optional<MemoryPeak>> FindMemoryPeak(const std::string& memory_key) override {
    constexpr int kJobsToLookAt = 20;
    DISTILL_ASSIGN_OR_RETURN(
        const std::vector<JobId> ids,
        control_->Read("list jobs alike", [&](Database& control) -> Result<std::vector<JobId>> {
          return job_rows::ListByMemoryKey(control, memory_key, kJobsToLookAt);
        }));
    if (ids.empty()) return std::optional<MemoryPeak>();
    return metrics_->Read("read memory peaks",
                          [&](Database& metrics) -> Result<std::optional<MemoryPeak>> {
                            return metric_rows::FindMemoryPeak(metrics, ids);
                          });
  }

  Status SetWaitingMessages(const std::map<JobId, Sentence>& messages) override {
    return control_->Write("set waiting messages", [&](Database& control) {
      job_rows::SetWaitingMessages(control, messages);
      return Status::Ok();
    });
  }

  Status SetStalledSince(JobId id, int64_t unix_ms) override {
    return control_->Write("note stall", [&](Database& control) {
      return job_rows::SetStalledSince(control, id, unix_ms);
    });
  }

  Status DeleteJob(JobId id) override {
    DISTILL_RETURN_IF_ERROR(control_->Read(
        "find job", [&](Database& control) { return job_rows::CheckHasEnded(control, id); }));
    if (records_) records_->NoteDeleting(id);
    FaultPoint("delete.before_commit");
    const Status deleted = control_->Write(
        "delete job", [&](Database& control) { return job_rows::Delete(control, id); });
    if (!deleted.ok()) {
      if (records_) records_->NoteSubmitted({id});
      return deleted;
    }
    if (records_) records_->NoteDeleted(id);
    // The job is gone, whatever becomes of these.
    const Status removed = metrics_->Write("delete metrics", [&](Database& metrics) {
      metric_rows::Delete(metrics, id);
      return Status::Ok();
    });
    if (!removed.ok()) {
      LogWarning("metrics of a deleted job not removed before the next start",
                 {{"job", id}, {"error", removed.ToString()}});
    }
    return Status::Ok();
  }

  // control.db may lag behind metrics.db by events that it does not keep: reading those twice is
  // harmless, missing one is not.
  Result<int64_t> JournalOffset(JobId id, int attempt) override {
    DISTILL_ASSIGN_OR_RETURN(const int64_t control_offset,
                             control_->Read("read journal offset", [&](Database& control) {
                               return run_rows::JournalOffset(control, id, attempt);
                             }));
    DISTILL_ASSIGN_OR_RETURN(
        const int64_t metrics_offset,
        metrics_->Read("read journal offset", [&](Database& metrics) -> Result<int64_t> {
          return metric_rows::JournalOffset(metrics, id, attempt);
        }));
    return std::min(control_offset, metrics_offset);
  }

  Status StoreRunEvents(JobId id, int attempt, int64_t from_offset,
                        const RunEventBatch& batch) override {
    DISTILL_RETURN_IF_ERROR(metrics_->Write("store metrics", [&](Database& metrics) {
      return metric_rows::Store(metrics, id, attempt, from_offset, batch);
    }));
    FaultPoint("store.between_databases");
    if (!run_rows::Concerns(batch)) return Status::Ok();
    Status status = control_->Write("store run events", [&](Database& control) {
      return run_rows::Store(control, id, attempt, batch);
    });
    NoteChange(id);
    return status;
  }

  Result<MetricPage> ListMetrics(JobId id, const std::vector<std::string>& names,
                                 int64_t cursor) override {
    return metrics_->Read("list metrics", [&](Database& metrics) -> Result<MetricPage> {
      return metric_rows::List(metrics, id, names, cursor);
    });
  }

  Result<int64_t> ArtifactBytesOf(const std::string& owner) override {
    return control_->Read("sum artifacts", [&](Database& control) -> Result<int64_t> {
      return run_rows::ArtifactBytesOf(control, owner);
    });
  }

  Result<std::vector<ArtifactRecord>> ListArtifacts(JobId id) override {
    return control_->Read("list artifacts",
                          [&](Database& control) -> Result<std::vector<ArtifactRecord>> {
                            return run_rows::ListArtifacts(control, id);
                          });
  }

  Result<std::vector<EvaluationRecord>> ListEvaluations(const std::vector<JobId>& jobs) override {
    return control_->Read("list evaluations",
                          [&](Database& control) -> Result<std::vector<EvaluationRecord>> {
                            return run_rows::ListEvaluations(control, jobs);
                          });
  }

  Result<int64_t> InsertDataset(const DatasetRecord& dataset) override {
    auto id = control_->Write("insert data set", [&](Database& control) {
      return dataset_rows::Insert(control, dataset);
    });
    if (id.ok() && records_) records_->DatasetChanged(*id);
    return id;
  }

  Result<DatasetRecord> FindDataset(const std::string& name) override {
    return control_->Read("find data set",
                          [&](Database& control) { return dataset_rows::Find(control, name); });
  }

  Result<std::vector<DatasetRecord>> ListDatasets() override {
    return control_->Read("list data sets",
                          [&](Database& control) -> Result<std::vector<DatasetRecord>> {
                            return dataset_rows::List(control);
                          });
  }

  Status UpdateDataset(const DatasetRecord& dataset) override {
    Status status = control_->Write("update data set", [&](Database& control) {
      return dataset_rows::Update(control, dataset);
    });
    if (records_) records_->DatasetChanged(dataset.id);
    return status;
  }

  Result<std::optional<JobId>> DeleteDataset(const std::string& name) override {
    return control_->Write("delete data set",
                           [&](Database& control) { return dataset_rows::Delete(control, name); });
  }

  int SchemaVersion() override { return control_->schema_version(); }

 private:
  using Answers = std::vector<Result<std::vector<JobRecord>>>;

  // One transaction for all, in which what one request leaves of its failure is taken back.
  Answers InsertTogether(const std::vector<JobRequest>& requests, int64_t now_unix_ms) {
    auto done = control_->Write("insert jobs", [&](Database& control) -> Result<Answers> {
      Answers answers;
      for (const JobRequest& request : requests) {
        SQLite::Savepoint before(control, "request");
        answers.push_back(job_rows::Insert(control, request, now_unix_ms));
        if (answers.back().ok()) before.release();
      }
      return answers;
    });
    if (done.ok()) return std::move(done).value();
    const Code code = done.status().code();
    const bool is_for_all = code == Code::kUnavailable || code == Code::kDataLoss;
    if (requests.size() == 1 || is_for_all) return Answers(requests.size(), done.status());
    // One of them fills the disk, say: the others need not fail with it.
    Answers answers;
    for (const JobRequest& request : requests) {
      answers.push_back(InsertTogether({request}, now_unix_ms).front());
    }
    return answers;
  }

  void NoteChange(JobId id) {
    if (records_) records_->JobChanged(id);
  }

  Result<std::vector<JobRecord>> WithFigures(std::vector<JobRecord> jobs) {
    const auto filled = metrics_->Read("read metrics", [&](Database& metrics) -> Result<bool> {
      metric_rows::FillFigures(metrics, jobs);
      return true;
    });
    // Jobs without figures are better than none.
    if (!filled.ok() && !is_read_only_) return filled.status();
    return jobs;
  }

  Result<JobRecord> WithFigures(JobRecord job) {
    std::vector<JobRecord> one;
    one.push_back(std::move(job));
    DISTILL_ASSIGN_OR_RETURN(std::vector<JobRecord> filled, WithFigures(std::move(one)));
    return std::move(filled.front());
  }

  const std::filesystem::path state_directory_;
  // The lock goes last.
  const std::optional<StateDirectory> lock_;
  const std::shared_ptr<SqliteDatabase> control_;
  const std::unique_ptr<SqliteDatabase> metrics_;
  const bool is_read_only_;
  std::unique_ptr<BackgroundCheck> check_;
  std::unique_ptr<JobRecords> records_;  // none in memory, none for a reader
};

}  // namespace

Result<SqliteStores> OpenSqliteStores(const SqliteJobStoreOptions& options, const Clock& clock) {
  StoreDatabases databases;
  databases.is_read_only = !options.read_only_because.empty();
  const bool is_on_disk = options.state_directory != ":memory:";
  if (is_on_disk && options.takes_lock) {
    DISTILL_ASSIGN_OR_RETURN(databases.lock, StateDirectory::Lock(options.state_directory));
  }
  Status status = Status::Ok();
  if (is_on_disk && !databases.is_read_only) status = CheckNoneIsMissing(options.state_directory);
  if (status.ok()) status = OpenDatabases(options, clock.UnixMillis(), databases);
  if (status.code() == Code::kDataLoss && is_on_disk) {
    return Status(Code::kDataLoss, status.message() + Remedy(options.state_directory));
  }
  if (!status.ok()) return status;
  SqliteStores stores;
  stores.access = MakeSqliteAccessStore(databases.control);
  auto jobs = std::make_unique<SqliteJobStore>(options.state_directory, std::move(databases));
  if (options.read_only_because.empty()) {
    DISTILL_RETURN_IF_ERROR(jobs->RemoveOrphans());
    if (is_on_disk) DISTILL_RETURN_IF_ERROR(jobs->BeginService(options));
  }
  stores.jobs = std::move(jobs);
  return stores;
}

Result<std::unique_ptr<JobStore>> OpenSqliteJobStore(const SqliteJobStoreOptions& options,
                                                     const Clock& clock) {
  DISTILL_ASSIGN_OR_RETURN(SqliteStores stores, OpenSqliteStores(options, clock));
  return std::move(stores.jobs);
}

std::string SqliteVersion() { return SQLite::getLibVersion(); }
int SqliteVersionNumber() { return SQLite::getLibVersionNumber(); }

}  // namespace distill::server
