#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/journal.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/job/job.h"
#include "server/store/intake.h"
#include "server/store/row_dump.h"
#include "server/store/sqlite_database.h"

namespace distill::server {

/// Where records lie (row_dump.h).
inline constexpr char kRecordFile[] = "record.sql";

/// Keeps a record of each job and data set beside its files: the second copy of control.db, from
/// which it can be rebuilt. A new job is noted durably before its submit is answered; all other
/// changes are written by a thread within a fraction of a second, so that nobody waits for them.
/// What was not written when the daemon died is written at the next start. So are the records of
/// all jobs after a change of the schema, a few at a time; a stop does not wait for those.
/// Thread-safe.
class JobRecords {
 public:
  /// Starts the thread, which first removes the folders of `deleted`, jobs that the intake knows to
  /// be deleted and the database does not have, then looks for records that are missing or may be
  /// out of date. `control` must outlive this object.
  JobRecords(std::filesystem::path state_directory, SqliteDatabase& control,
             std::set<JobId> deleted);
  /// Writes what has changed.
  ~JobRecords();
  JobRecords(const JobRecords&) = delete;
  JobRecords& operator=(const JobRecords&) = delete;

  /// Makes the records of new jobs durable. Blocks on disk. A failure is logged and tried again:
  /// the database has the jobs.
  void NoteSubmitted(const std::vector<JobId>& ids) EXCLUDES(mutex_, intake_mutex_);

  /// Notes durably that a job is about to be deleted, so that what a kill leaves of it is removed
  /// at the next start; then that it is gone, so that it does not come back. Where it is not
  /// deleted after all, NoteSubmitted() takes the first note back. Blocks on disk for a moment. A
  /// failure is logged.
  void NoteDeleting(JobId id) EXCLUDES(intake_mutex_);
  void NoteDeleted(JobId id) EXCLUDES(intake_mutex_);

  /// The rows of a job (of a data set) have changed. Does not block.
  void JobChanged(JobId id) EXCLUDES(mutex_);
  void DatasetChanged(int64_t id) EXCLUDES(mutex_);

 private:
  struct Changes {
    std::set<JobId> jobs;
    std::set<int64_t> datasets;
    bool empty() const { return jobs.empty() && datasets.empty(); }
  };

  Result<std::shared_ptr<const row_dump::Dumper>> GetDumper() EXCLUDES(mutex_);
  Result<std::string> DumpJob(JobId id);
  std::filesystem::path FolderOf(JobId id) const {
    return state_directory_ / "runs" / std::to_string(id);
  }
  void Loop();
  void RemoveDeleted(const std::set<JobId>& deleted);
  Changes TakeChanges() EXCLUDES(mutex_);
  void FindUnwritten();
  void WriteFromBacklog();
  void WriteAll(const Changes& changes);
  Status WriteJob(JobId id);
  Status WriteDataset(int64_t id);
  Status OpenIntake() REQUIRES(intake_mutex_);
  Status AppendToIntake(const std::vector<JobId>& ids) REQUIRES(intake_mutex_);
  Status AppendToIntake(const IntakeNote& note) REQUIRES(intake_mutex_);
  Status NoteDeletion(const IntakeNote& note) REQUIRES(intake_mutex_);
  void EmptyIntake() EXCLUDES(mutex_, intake_mutex_);
  bool IsStopping() EXCLUDES(mutex_);

  const std::filesystem::path state_directory_;
  SqliteDatabase& control_;

  Mutex intake_mutex_;
  std::optional<JournalAppender> intake_ GUARDED_BY(intake_mutex_);
  int64_t intake_bytes_ GUARDED_BY(intake_mutex_) = 0;
  std::set<JobId> deleted_ GUARDED_BY(intake_mutex_);  // noted so; their folders may be there

  Mutex mutex_;
  ConditionVariable changed_;
  std::shared_ptr<const row_dump::Dumper> dumper_ GUARDED_BY(mutex_);  // none before the first use
  Changes changes_ GUARDED_BY(mutex_);
  bool is_stopping_ GUARDED_BY(mutex_) = false;

  /// The thread's own: jobs whose record is missing or of an older schema, as each start finds
  /// them.
  std::vector<JobId> backlog_;
  std::thread thread_;
};

}  // namespace distill::server
