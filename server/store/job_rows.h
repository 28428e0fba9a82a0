#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/job.h"
#include "server/job/job_store.h"

namespace SQLite {
class Database;
}

/// Rows of jobs, attempts, events and request ids in control.db. Each function runs in its caller's
/// transaction and lets SQLite::Exception pass; the errors are those of JobStore's function of the
/// same name. Records come without what metrics.db knows (progress, latest and best metrics).
namespace distill::server::job_rows {

/// Adds the jobs of one request. Of a failure some rows may remain, for the caller to roll back.
Result<std::vector<JobRecord>> Insert(SQLite::Database& control, const JobRequest& request,
                                      int64_t now_unix_ms);
std::optional<KnownRequest> FindRequest(SQLite::Database& control, const std::string& request_id);

/// Makes the next row of `table` ("job", "dataset") get a number above `last`.
void ContinueAfter(SQLite::Database& control, const std::string& table, int64_t last);

Result<JobRecord> Find(SQLite::Database& control, JobId id);
Result<JobId> FindByName(SQLite::Database& control, const std::string& name);
Result<JobId> FindNewest(SQLite::Database& control, const std::string& owner);
std::vector<JobRecord> List(SQLite::Database& control, const JobListQuery& query);
std::vector<JobRecord> ListActive(SQLite::Database& control);
JobCounts Count(SQLite::Database& control);
std::vector<JobId> ListActiveDependents(SQLite::Database& control, JobId id);

Result<JobRecord> Move(SQLite::Database& control, JobId id, JobState from,
                       const Transition& transition, int64_t now_unix_ms);
Status AddInterruption(SQLite::Database& control, JobId id, Cause cause);
void SetWaitingMessages(SQLite::Database& control, const std::map<JobId, Sentence>& messages);
Status SetStalledSince(SQLite::Database& control, JobId id, int64_t unix_ms);
Status CheckHasEnded(SQLite::Database& control, JobId id);
Status Delete(SQLite::Database& control, JobId id);

Result<AttemptRecord> StartAttempt(SQLite::Database& control, JobId id, int64_t last_folder,
                                   const std::vector<std::string>& devices, int64_t now_unix_ms);
Status SetAttemptProcess(SQLite::Database& control, const AttemptRecord& attempt);
Status FinishAttempt(SQLite::Database& control, const AttemptRecord& attempt);
std::vector<DeviceUsage> ListUsage(SQLite::Database& control, int64_t since_unix_ms);
/// Those that have run, newest first.
std::vector<JobId> ListByMemoryKey(SQLite::Database& control, const std::string& key, int limit);
std::vector<AttemptRecord> ListAttempts(SQLite::Database& control, JobId id);
std::vector<JobEventRecord> ListEvents(SQLite::Database& control, JobId id, int64_t after_event_id);
std::vector<JobEventRecord> ListAllEvents(SQLite::Database& control, int64_t after_event_id,
                                          int limit);
void InsertEvent(SQLite::Database& control, const JobEventRecord& event);

}  // namespace distill::server::job_rows
