#include "server/store/job_records.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "server/store/row_dump.h"
#include "server/store/sql_statement.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

// A job that starts changes several times in a row: one record for all of them.
constexpr std::chrono::milliseconds kGathering{200};
constexpr std::chrono::milliseconds kRetry{2'000};
constexpr int64_t kMaxIntakeBytes = int64_t{4} << 20U;

std::vector<int64_t> Numbers(SQLite::Database& database, const char* sql) {
  std::vector<int64_t> numbers;
  SQLite::Statement query(database, sql);
  while (query.executeStep()) numbers.push_back(query.getColumn(0).getInt64());
  return numbers;
}

// When the schema became what it is (Unix milliseconds).
int64_t SchemaTime(SQLite::Database& control) {
  return SelectInt(control, "SELECT max(applied_at_unix_ms) FROM schema_migration").value_or(0);
}

// Whether there is no record, or one that was written under an older schema.
bool LacksRecord(const fs::path& folder, int64_t schema_time) {
  using std::chrono::milliseconds;
  std::error_code error;
  const auto written = fs::last_write_time(folder / kRecordFile, error);
  if (error) return true;
  const auto since_1970 = fs::file_time_type::clock::to_sys(written).time_since_epoch();
  return std::chrono::floor<milliseconds>(since_1970).count() < schema_time;
}

// Makes the folder's record `record`; one that is that already counts as written now.
Status WriteRecord(const fs::path& folder, const std::string& record) {
  const fs::path file = folder / kRecordFile;
  const auto present = ReadFile(file);
  std::error_code error;
  if (present.ok() && *present == record) {
    fs::last_write_time(file, fs::file_time_type::clock::now(), error);
    return Status::Ok();
  }
  if (fs::create_directories(folder, error)) {
    DISTILL_RETURN_IF_ERROR(SyncDirectory(folder.parent_path()));
  }
  if (error) return ErrnoStatus("make folder " + folder.string(), error.value());
  return ReplaceFile(file, record);
}

}  // namespace

JobRecords::JobRecords(fs::path state_directory, SqliteDatabase& control, std::set<JobId> deleted)
    : state_directory_(std::move(state_directory)),
      control_(control),
      deleted_(std::move(deleted)) {
  thread_ = std::thread([this, gone = deleted_] {
    ::pthread_setname_np(::pthread_self(), "job-records");
    // After whoever waits for an answer. Of this thread alone, on Linux.
    constexpr int kNiceness = 10;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
    RemoveDeleted(gone);
    Loop();
  });
}

JobRecords::~JobRecords() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void JobRecords::JobChanged(JobId id) {
  const MutexLock lock(mutex_);
  changes_.jobs.insert(id);
  changed_.NotifyAll();
}

void JobRecords::DatasetChanged(int64_t id) {
  const MutexLock lock(mutex_);
  changes_.datasets.insert(id);
  changed_.NotifyAll();
}

void JobRecords::NoteSubmitted(const std::vector<JobId>& ids) {
  {
    const MutexLock lock(mutex_);
    changes_.jobs.insert(ids.begin(), ids.end());
  }
  {
    const MutexLock lock(intake_mutex_);
    const Status status = AppendToIntake(ids);
    if (!status.ok()) LogWarning("job record not written yet", {{"error", status.ToString()}});
  }
  changed_.NotifyAll();
}

void JobRecords::NoteDeleting(JobId id) {
  const MutexLock lock(intake_mutex_);
  Status status = NoteDeletion({id, IntakeNote::Kind::kDeleting, ""});
  if (status.ok()) status = intake_->Sync();
  if (!status.ok()) LogWarning("deletion not noted", {{"error", status.ToString()}});
}

void JobRecords::NoteDeleted(JobId id) {
  const MutexLock lock(intake_mutex_);
  const Status status = NoteDeletion({id, IntakeNote::Kind::kDeleted, ""});
  if (!status.ok()) LogWarning("deletion not noted", {{"error", status.ToString()}});
}

Status JobRecords::NoteDeletion(const IntakeNote& note) {
  if (!intake_) DISTILL_RETURN_IF_ERROR(OpenIntake());
  DISTILL_RETURN_IF_ERROR(AppendToIntake(note));
  deleted_.insert(note.job);
  return Status::Ok();
}

Status JobRecords::OpenIntake() {
  const fs::path file = state_directory_ / kIntakeFile;
  std::error_code error;
  const bool is_new = !fs::exists(file, error);
  DISTILL_ASSIGN_OR_RETURN(JournalAppender appender, JournalAppender::Open(file));
  if (is_new) DISTILL_RETURN_IF_ERROR(SyncDirectory(state_directory_));
  intake_bytes_ = static_cast<int64_t>(fs::file_size(file, error));
  intake_.emplace(std::move(appender));
  return Status::Ok();
}

Status JobRecords::AppendToIntake(const std::vector<JobId>& ids) {
  if (!intake_) DISTILL_RETURN_IF_ERROR(OpenIntake());
  for (const JobId id : ids) {
    DISTILL_ASSIGN_OR_RETURN(const std::string record, DumpJob(id));
    DISTILL_RETURN_IF_ERROR(AppendToIntake({id, IntakeNote::Kind::kRecord, record}));
    if (!record.empty()) deleted_.erase(id);
  }
  return intake_->Sync();
}

Status JobRecords::AppendToIntake(const IntakeNote& note) {
  const std::string payload = WriteIntakeNote(note);
  DISTILL_RETURN_IF_ERROR(intake_->Append(payload));
  intake_bytes_ += static_cast<int64_t>(payload.size());
  return Status::Ok();
}

void JobRecords::EmptyIntake() {
  const MutexLock intake_lock(intake_mutex_);
  {
    const MutexLock lock(mutex_);
    if (!changes_.empty() || !backlog_.empty()) return;  // a job that has no file of its own yet
  }
  if (intake_bytes_ < kMaxIntakeBytes) return;
  std::set<JobId> present;  // deleted jobs whose files are still there
  std::error_code error;
  for (const JobId id : deleted_) {
    if (fs::exists(FolderOf(id), error)) present.insert(id);
  }
  intake_.reset();
  const Status status = RenewIntake(state_directory_, present);
  if (!status.ok()) return LogWarning("intake not emptied", {{"error", status.ToString()}});
  deleted_ = std::move(present);
  intake_bytes_ = 0;
}

// A folder that the intake does not know is left alone: it may be all that is left of a job.
void JobRecords::RemoveDeleted(const std::set<JobId>& deleted) {
  for (const JobId id : deleted) {
    if (IsStopping()) return;
    std::error_code error;
    const fs::path folder = FolderOf(id);
    if (!fs::exists(folder, error)) continue;
    fs::remove_all(folder, error);
    if (error) {
      LogWarning("folder of a deleted job not removed",
                 {{"path", folder.string()}, {"error", error.message()}});
    } else {
      LogInfo("folder of a deleted job removed", {{"job", id}});
    }
  }
}

void JobRecords::Loop() {
  FindUnwritten();
  while (true) {
    const Changes changes = TakeChanges();
    WriteAll(changes);
    if (IsStopping() && changes.empty()) return;
    WriteFromBacklog();
    EmptyIntake();
  }
}

bool JobRecords::IsStopping() {
  const MutexLock lock(mutex_);
  return is_stopping_;
}

JobRecords::Changes JobRecords::TakeChanges() {
  const MutexLock lock(mutex_);
  while (changes_.empty() && backlog_.empty() && !is_stopping_) changed_.Wait(mutex_);
  const auto end = std::chrono::steady_clock::now() + kGathering;
  while (!changes_.empty() && !is_stopping_ && std::chrono::steady_clock::now() < end) {
    changed_.WaitFor(mutex_, end - std::chrono::steady_clock::now());
  }
  return std::exchange(changes_, {});
}

// After a kill, the records of jobs that changed last may lack that; those of an earlier version
// are missing, or lack what migrations have changed since.
void JobRecords::FindUnwritten() {
  const auto found_all =
      control_.Read("list records", [&](SQLite::Database& control) -> Result<bool> {
        Changes found;
        for (const JobId id : Numbers(control,
                                      "SELECT id FROM job WHERE state < 8 UNION SELECT job FROM"
                                      " (SELECT job FROM job_event ORDER BY id DESC LIMIT 1000)")) {
          found.jobs.insert(id);
        }
        const int64_t schema_time = SchemaTime(control);
        for (const JobId id : Numbers(control, "SELECT id FROM job")) {
          if (found.jobs.count(id) != 0) continue;
          if (LacksRecord(FolderOf(id), schema_time)) backlog_.push_back(id);
        }
        for (const int64_t id : Numbers(control, "SELECT id FROM dataset")) {
          found.datasets.insert(id);
        }
        const MutexLock lock(mutex_);
        changes_.jobs.merge(found.jobs);
        changes_.datasets.merge(found.datasets);
        return true;
      });
  if (!found_all.ok()) {
    LogWarning("records not looked at", {{"error", found_all.status().ToString()}});
  }
}

void JobRecords::WriteFromBacklog() {
  constexpr size_t kAtOnce = 50;
  Changes some;
  while (!backlog_.empty() && some.jobs.size() < kAtOnce) {
    some.jobs.insert(backlog_.back());
    backlog_.pop_back();
  }
  WriteAll(some);
}

void JobRecords::WriteAll(const Changes& changes) {
  Changes failed;
  Status failure;
  for (const JobId id : changes.jobs) {
    const Status status = WriteJob(id);
    if (!status.ok()) failed.jobs.insert(id);
    if (!status.ok()) failure = status;
  }
  for (const int64_t id : changes.datasets) {
    const Status status = WriteDataset(id);
    if (!status.ok()) failed.datasets.insert(id);
    if (!status.ok()) failure = status;
  }
  if (failure.ok()) return;
  LogWarning("records not written, trying again", {{"error", failure.ToString()}});
  const MutexLock lock(mutex_);
  if (is_stopping_) return;  // the next start finds them
  changes_.jobs.merge(failed.jobs);
  changes_.datasets.merge(failed.datasets);
  if (!is_stopping_) changed_.WaitFor(mutex_, kRetry);
}

Result<std::shared_ptr<const row_dump::Dumper>> JobRecords::GetDumper() {
  using Dumper = std::shared_ptr<const row_dump::Dumper>;
  {
    const MutexLock lock(mutex_);
    if (dumper_ != nullptr) return dumper_;
  }
  DISTILL_ASSIGN_OR_RETURN(
      const Dumper made,
      control_.Read("read the schema", [](SQLite::Database& control) -> Result<Dumper> {
        return std::make_shared<const row_dump::Dumper>(control);
      }));
  const MutexLock lock(mutex_);
  dumper_ = made;
  return made;
}

Result<std::string> JobRecords::DumpJob(JobId id) {
  DISTILL_ASSIGN_OR_RETURN(const auto dumper, GetDumper());
  return control_.Read("read job", [&](SQLite::Database& control) -> Result<std::string> {
    return dumper->Job(control, id);
  });
}

Status JobRecords::WriteJob(JobId id) {
  const fs::path folder = FolderOf(id);
  DISTILL_ASSIGN_OR_RETURN(const std::string record, DumpJob(id));
  if (record.empty()) return Status::Ok();  // deleted, and its folder with it
  DISTILL_RETURN_IF_ERROR(WriteRecord(folder, record));
  DISTILL_ASSIGN_OR_RETURN(
      const bool is_there,
      control_.Read("look for job", [&](SQLite::Database& control) -> Result<bool> {
        return SelectInt(control, "SELECT 1 FROM job WHERE id = ?", id).has_value();
      }));
  std::error_code error;
  if (!is_there) fs::remove_all(folder, error);  // it was deleted meanwhile
  return Status::Ok();
}

Status JobRecords::WriteDataset(int64_t id) {
  DISTILL_ASSIGN_OR_RETURN(const auto dumper, GetDumper());
  DISTILL_ASSIGN_OR_RETURN(
      const std::string record,
      control_.Read("read data set", [&](SQLite::Database& control) -> Result<std::string> {
        return dumper->Dataset(control, id);
      }));
  const fs::path folder = state_directory_ / "datasets" / std::to_string(id);
  std::error_code error;
  // Its folder is made for the scan, and removed with it.
  if (record.empty() || !fs::exists(folder, error)) return Status::Ok();
  return WriteRecord(folder, record);
}

}  // namespace distill::server
