#include "server/store/job_rows.h"

#include <algorithm>

#include "server/store/sql_statement.h"

namespace distill::server::job_rows {
namespace {

constexpr char kSelectJob[] =
    "SELECT id, name, owner, kind, given_spec, resolved_spec, priority, requested_device,"
    " max_interruptions, num_epochs, dataset, model, state, cause, message, actor, device,"
    " created_at_unix_ms, started_at_unix_ms, finished_at_unix_ms, num_attempts, num_interruptions,"
    " queued_at_unix_ms, gpu_memory_bytes, group_name, max_parallel, max_device_errors,"
    " max_preemptions, num_device_errors, num_preemptions, memory_key,"
    " stalled_since_unix_ms, num_devices, time_limit_seconds FROM job ";

JobRecord ReadJob(SQLite::Statement& query) {
  RowReader row(query);
  JobRecord job;
  job.id = row.Int64();
  job.spec.name = row.Text();
  job.spec.owner = row.Text();
  job.spec.kind = row.As<JobKind>();
  job.spec.given = row.Text();
  job.spec.resolved = row.Text();
  job.spec.priority = row.Int();
  job.spec.device = row.Text();
  job.spec.max_interruptions = row.Int();
  job.spec.num_epochs = row.Int();
  job.spec.dataset = row.Text();
  job.spec.model = row.Text();
  job.state = row.As<JobState>();
  job.cause = row.As<Cause>();
  job.message = row.ReadSentence();
  job.actor = row.Text();
  job.devices = ParseDevices(row.Text());
  job.created_at_unix_ms = row.Int64();
  job.started_at_unix_ms = row.Int64();
  job.finished_at_unix_ms = row.Int64();
  job.num_attempts = row.Int();
  job.num_interruptions = row.Int();
  job.queued_at_unix_ms = row.Int64();
  job.spec.gpu_memory_bytes = row.Int64();
  job.spec.group = row.Text();
  job.spec.max_parallel = row.Int();
  job.spec.max_device_errors = row.Int();
  job.spec.max_preemptions = row.Int();
  job.num_device_errors = row.Int();
  job.num_preemptions = row.Int();
  job.spec.memory_key = row.Text();
  job.stalled_since_unix_ms = row.Int64();
  job.spec.num_devices = row.Int();
  job.spec.time_limit_seconds = row.Int64();
  return job;
}

// A condition of 0 says that the other job's checkpoint is used.
void ReadDependency(SQLite::Statement& query, JobSpec& spec) {
  RowReader row(query);
  const JobId needed = row.Int64();
  const int condition = row.Int();
  if (condition == 0) {
    spec.depends_on.push_back(needed);
  } else {
    spec.after.push_back({needed, static_cast<AfterCondition>(condition)});
  }
}

// Adds labels and dependencies, which lie in tables of their own.
void ReadLists(SQLite::Database& control, std::vector<JobRecord>& jobs) {
  SQLite::Statement labels(control, "SELECT key, value FROM job_label WHERE job = ?");
  SQLite::Statement needs(control,
                          "SELECT needs, condition FROM job_dependency WHERE job = ?"
                          " ORDER BY position");
  for (JobRecord& job : jobs) {
    BindAll(labels, job.id);
    while (labels.executeStep()) {
      job.spec.labels[labels.getColumn(0).getString()] = labels.getColumn(1).getString();
    }
    BindAll(needs, job.id);
    while (needs.executeStep()) ReadDependency(needs, job.spec);
  }
}

std::vector<JobRecord> ReadJobs(SQLite::Database& control, SQLite::Statement& query) {
  std::vector<JobRecord> jobs;
  while (query.executeStep()) jobs.push_back(ReadJob(query));
  ReadLists(control, jobs);
  return jobs;
}

Status NoJob(JobId id) { return {Code::kNotFound, "no job: " + std::to_string(id)}; }

Status NoAttempt(const AttemptRecord& attempt) {
  return {Code::kNotFound, "no attempt " + std::to_string(attempt.number) + " of job " +
                               std::to_string(attempt.job)};
}

// Turns a dependency as given (negative: a place in the list) into a job's id.
Result<JobId> ResolveDependency(SQLite::Database& control, JobId needed,
                                const std::vector<JobId>& inserted) {
  if (needed < 0) {
    const auto index = static_cast<size_t>(-(needed + 1));
    if (index < inserted.size()) return inserted[index];
    return Status(
        Code::kInvalidArgument,
        "a job may depend on earlier ones of its list only, not on: " + std::to_string(needed));
  }
  if (!SelectInt(control, "SELECT 1 FROM job WHERE id = ?", needed)) return NoJob(needed);
  return needed;
}

Status InsertDependencies(SQLite::Database& control, JobId id, const JobSpec& spec,
                          const std::vector<JobId>& earlier) {
  int position = 0;
  const auto insert = [&](JobId needed, int condition) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const JobId needs, ResolveDependency(control, needed, earlier));
    Execute(control,
            "INSERT INTO job_dependency (job, position, needs, condition) VALUES (?, ?, ?, ?)", id,
            position++, needs, condition);
    return {};
  };
  for (const JobId needed : spec.depends_on) DISTILL_RETURN_IF_ERROR(insert(needed, 0));
  for (const AfterJob& needed : spec.after) {
    DISTILL_RETURN_IF_ERROR(insert(needed.job, static_cast<int>(needed.condition)));
  }
  return {};
}

Result<JobId> InsertOne(SQLite::Database& control, const JobSpec& spec,
                        const std::vector<JobId>& earlier, int64_t now_unix_ms) {
  if (SelectInt(control, "SELECT id FROM job WHERE name = ?", spec.name)) {
    return Status(Code::kAlreadyExists, "a job has this name: " + spec.name);
  }
  Execute(control,
          "INSERT INTO job (name, owner, kind, given_spec, resolved_spec, priority,"
          " requested_device, max_interruptions, num_epochs, dataset, model, state, cause, message,"
          " actor, created_at_unix_ms, queued_at_unix_ms, gpu_memory_bytes, group_name,"
          " max_parallel, max_device_errors, max_preemptions, memory_key, num_devices,"
          " time_limit_seconds)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          spec.name, spec.owner, static_cast<int>(spec.kind), Blob{spec.given}, Blob{spec.resolved},
          spec.priority, spec.device, spec.max_interruptions, spec.num_epochs, spec.dataset,
          spec.model, static_cast<int>(JobState::kQueued), "user " + spec.owner, now_unix_ms,
          now_unix_ms, spec.gpu_memory_bytes, spec.group, spec.max_parallel, spec.max_device_errors,
          spec.max_preemptions, spec.memory_key, spec.num_devices, spec.time_limit_seconds);
  const JobId id = control.getLastInsertRowid();
  for (const auto& [key, value] : spec.labels) {
    Execute(control, "INSERT INTO job_label VALUES (?, ?, ?)", id, key, value);
  }
  DISTILL_RETURN_IF_ERROR(InsertDependencies(control, id, spec, earlier));
  JobEventRecord event{0, id, now_unix_ms, std::nullopt, {}};
  event.transition.actor = "user " + spec.owner;
  InsertEvent(control, event);
  return id;
}

std::vector<JobEventRecord> ReadEvents(SQLite::Statement& query) {
  std::vector<JobEventRecord> events;
  while (query.executeStep()) {
    RowReader row(query);
    JobEventRecord& event = events.emplace_back();
    event.id = row.Int64();
    event.job = row.Int64();
    event.at_unix_ms = row.Int64();
    if (const auto from = row.OptionalInt()) event.from = static_cast<JobState>(*from);
    event.transition.to = row.As<JobState>();
    event.transition.cause = row.As<Cause>();
    event.transition.actor = row.Text();
    event.transition.message = row.ReadSentence();
    event.level = row.As<EventLevel>();
  }
  return events;
}

}  // namespace

Result<std::vector<JobRecord>> Insert(SQLite::Database& control, const JobRequest& request,
                                      int64_t now_unix_ms) {
  const std::string& request_id = request.request_id;
  if (!request_id.empty() && SelectInt(control, "SELECT 1 FROM request WHERE id = ?", request_id)) {
    return Status(Code::kAlreadyExists, "the request id is known: " + request_id);
  }
  std::vector<JobId> ids;
  std::vector<JobRecord> made;
  for (const JobSpec& spec : request.jobs) {
    DISTILL_ASSIGN_OR_RETURN(const JobId id, InsertOne(control, spec, ids, now_unix_ms));
    ids.push_back(id);
    DISTILL_ASSIGN_OR_RETURN(JobRecord job, Find(control, id));
    job.progress.num_epochs = job.spec.num_epochs;
    made.push_back(std::move(job));
  }
  if (request_id.empty()) return made;
  Execute(control, "INSERT INTO request VALUES (?, ?, ?)", request_id, request.content_sha256,
          now_unix_ms);
  for (size_t i = 0; i < ids.size(); ++i) {
    Execute(control, "INSERT INTO request_job VALUES (?, ?, ?)", request_id, static_cast<int>(i),
            ids[i]);
  }
  return made;
}

std::optional<KnownRequest> FindRequest(SQLite::Database& control, const std::string& request_id) {
  SQLite::Statement query(control, "SELECT content_sha256 FROM request WHERE id = ?");
  BindAll(query, request_id);
  if (!query.executeStep()) return std::nullopt;
  KnownRequest known{query.getColumn(0).getString(), {}};
  SQLite::Statement jobs(control,
                         "SELECT job FROM request_job WHERE request = ? ORDER BY position");
  BindAll(jobs, request_id);
  while (jobs.executeStep()) known.jobs.push_back(jobs.getColumn(0).getInt64());
  return known;
}

void ContinueAfter(SQLite::Database& control, const std::string& table, int64_t last) {
  if (SelectInt(control, "SELECT 1 FROM sqlite_sequence WHERE name = ?", table)) {
    Execute(control, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", last, table);
  } else if (last > 0) {
    Execute(control, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, last);
  }
}

Result<JobRecord> Find(SQLite::Database& control, JobId id) {
  SQLite::Statement query(control, std::string(kSelectJob) + "WHERE id = ?");
  BindAll(query, id);
  std::vector<JobRecord> jobs = ReadJobs(control, query);
  if (jobs.empty()) return NoJob(id);
  return std::move(jobs.front());
}

Result<JobId> FindByName(SQLite::Database& control, const std::string& name) {
  const auto id = SelectInt(control, "SELECT id FROM job WHERE name = ?", name);
  if (!id) return Status(Code::kNotFound, "no job: " + name);
  return *id;
}

Result<JobId> FindNewest(SQLite::Database& control, const std::string& owner) {
  const auto id =
      SelectInt(control, "SELECT id FROM job WHERE owner = ? ORDER BY id DESC LIMIT 1", owner);
  if (!id) return Status(Code::kNotFound, "no job of user: " + owner);
  return *id;
}

std::vector<JobRecord> List(SQLite::Database& control, const JobListQuery& query) {
  std::string sql = kSelectJob;
  sql += "WHERE (?1 = 0 OR id < ?1) AND (?2 = '' OR owner = ?2)";
  sql += " AND substr(name, 1, length(?3)) = ?3 AND (?5 = '' OR group_name = ?5)";
  if (!query.states.empty()) {
    std::string states;
    for (const JobState state : query.states) {
      states += (states.empty() ? "" : ", ") + std::to_string(static_cast<int>(state));
    }
    sql += " AND state IN (" + states + ")";
  }
  sql += " ORDER BY id DESC LIMIT ?4";
  SQLite::Statement statement(control, sql);
  BindAll(statement, query.before_id, query.owner, query.name_prefix, std::max(query.page_size, 0),
          query.group);
  return ReadJobs(control, statement);
}

std::vector<JobRecord> ListActive(SQLite::Database& control) {
  SQLite::Statement query(control, std::string(kSelectJob) + "WHERE state < 8 ORDER BY id");
  return ReadJobs(control, query);
}

JobCounts Count(SQLite::Database& control) {
  JobCounts counts;
  SQLite::Statement states(control, "SELECT state, count(*) FROM job GROUP BY state");
  while (states.executeStep()) {
    RowReader row(states);
    const auto state = row.As<JobState>();
    counts.by_state[state] = row.Int64();
  }
  counts.num_active_owners =
      SelectInt(control, "SELECT count(DISTINCT owner) FROM job WHERE state < 8").value_or(0);
  // A job that was queued again waits since then.
  counts.oldest_queued_at_unix_ms =
      SelectInt(control,
                "SELECT min(since) FROM (SELECT max(event.at_unix_ms) AS since FROM job"
                " JOIN job_event AS event ON event.job = job.id AND event.to_state = 1"
                " AND event.from_state IS NOT 1 WHERE job.state = 1 GROUP BY job.id)")
          .value_or(0);
  return counts;
}

std::vector<JobId> ListActiveDependents(SQLite::Database& control, JobId id) {
  SQLite::Statement query(control,
                          "SELECT DISTINCT job.id FROM job_dependency JOIN job ON job.id ="
                          " job_dependency.job WHERE needs = ? AND state < 8 ORDER BY job.id");
  BindAll(query, id);
  std::vector<JobId> dependents;
  while (query.executeStep()) dependents.push_back(query.getColumn(0).getInt64());
  return dependents;
}

Result<JobRecord> Move(SQLite::Database& control, JobId id, JobState from,
                       const Transition& transition, int64_t now_unix_ms) {
  DISTILL_ASSIGN_OR_RETURN(JobRecord job, Find(control, id));
  const JobState to = transition.to;
  if (job.state != from || !CanMove(from, to)) {
    return Status(Code::kFailedPrecondition,
                  "job " + std::to_string(id) + " is " + std::string(StateName(job.state)) +
                      ", it cannot go from " + std::string(StateName(from)) + " to " +
                      std::string(StateName(to)));
  }
  const bool is_requeue = to == JobState::kQueued && IsTerminal(from);
  // Who was interrupted keeps their place in the queue.
  if (to == JobState::kQueued && from != JobState::kInterrupted) {
    job.queued_at_unix_ms = now_unix_ms;
  }
  job.state = to;
  job.cause = transition.cause;
  job.message = transition.message;
  job.actor = transition.actor;
  job.finished_at_unix_ms = IsTerminal(to) ? now_unix_ms : 0;
  if (is_requeue) job.num_interruptions = job.num_device_errors = job.num_preemptions = 0;
  if (!HasWorker(to)) job.stalled_since_unix_ms = 0;
  Execute(control,
          "UPDATE job SET state = ?, cause = ?, message = ?, actor = ?, finished_at_unix_ms = ?,"
          " queued_at_unix_ms = ?, num_interruptions = ?, num_device_errors = ?,"
          " num_preemptions = ?, stalled_since_unix_ms = ? WHERE id = ? AND state = ?",
          static_cast<int>(to), static_cast<int>(job.cause), job.message, job.actor,
          job.finished_at_unix_ms, job.queued_at_unix_ms, job.num_interruptions,
          job.num_device_errors, job.num_preemptions, job.stalled_since_unix_ms, id,
          static_cast<int>(from));
  InsertEvent(control, {0, id, now_unix_ms, from, transition});
  return job;
}

Status AddInterruption(SQLite::Database& control, JobId id, Cause cause) {
  const char* const column = cause == Cause::kDeviceError ? "num_device_errors"
                             : cause == Cause::kPreempted ? "num_preemptions"
                                                          : "num_interruptions";
  const std::string sql =
      std::string("UPDATE job SET ") + column + " = " + column + " + 1" + " WHERE id = ?";
  const int changed = Execute(control, sql.c_str(), id);
  return changed == 1 ? Status::Ok() : NoJob(id);
}

void SetWaitingMessages(SQLite::Database& control, const std::map<JobId, Sentence>& messages) {
  SQLite::Statement update(control, "UPDATE job SET message = ? WHERE id = ? AND state = ?");
  for (const auto& [id, message] : messages) {
    BindAll(update, message, id, static_cast<int>(JobState::kQueued));
    update.exec();
  }
}

Status SetStalledSince(SQLite::Database& control, JobId id, int64_t unix_ms) {
  const int changed =
      Execute(control, "UPDATE job SET stalled_since_unix_ms = ? WHERE id = ?", unix_ms, id);
  return changed == 1 ? Status::Ok() : NoJob(id);
}

Status CheckHasEnded(SQLite::Database& control, JobId id) {
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, Find(control, id));
  if (IsTerminal(job.state)) return Status::Ok();
  return {Code::kFailedPrecondition, "job " + std::to_string(id) + " has not ended, it is " +
                                         std::string(StateName(job.state))};
}

Status Delete(SQLite::Database& control, JobId id) {
  DISTILL_RETURN_IF_ERROR(CheckHasEnded(control, id));
  Execute(control, "DELETE FROM job WHERE id = ?", id);
  return Status::Ok();
}

Result<AttemptRecord> StartAttempt(SQLite::Database& control, JobId id, int64_t last_folder,
                                   const std::vector<std::string>& devices, int64_t now_unix_ms) {
  const Transition transition{JobState::kStarting, Cause::kNone, "scheduler", ""};
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                           Move(control, id, JobState::kQueued, transition, now_unix_ms));
  AttemptRecord attempt;
  attempt.job = id;
  attempt.number = std::max(job.num_attempts, static_cast<int>(last_folder)) + 1;
  attempt.devices = devices;
  attempt.started_at_unix_ms = now_unix_ms;
  Execute(control,
          "UPDATE job SET num_attempts = ?, device = ?, started_at_unix_ms ="
          " iif(started_at_unix_ms = 0, ?, started_at_unix_ms) WHERE id = ?",
          attempt.number, DevicesText(devices), now_unix_ms, id);
  Execute(control,
          "INSERT INTO attempt (job, number, state, device, started_at_unix_ms)"
          " VALUES (?, ?, ?, ?, ?)",
          id, attempt.number, static_cast<int>(attempt.state), DevicesText(devices), now_unix_ms);
  return attempt;
}

Status SetAttemptProcess(SQLite::Database& control, const AttemptRecord& attempt) {
  const int changed = Execute(
      control, "UPDATE attempt SET pid = ?, pid_start_ticks = ? WHERE job = ? AND number = ?",
      attempt.pid, attempt.pid_start_ticks, attempt.job, attempt.number);
  return changed == 1 ? Status::Ok() : NoAttempt(attempt);
}

Status FinishAttempt(SQLite::Database& control, const AttemptRecord& attempt) {
  const int changed =
      Execute(control,
              "UPDATE attempt SET state = ?, cause = ?, message = ?, finished_at_unix_ms = ?"
              " WHERE job = ? AND number = ?",
              static_cast<int>(attempt.state), static_cast<int>(attempt.cause), attempt.message,
              attempt.finished_at_unix_ms, attempt.job, attempt.number);
  if (changed != 1) return NoAttempt(attempt);
  SQLite::Statement query(control, "SELECT device FROM attempt WHERE job = ? AND number = ?");
  BindAll(query, attempt.job, attempt.number);
  query.executeStep();
  for (const std::string& device : ParseDevices(query.getColumn(0).getString())) {
    Execute(control,
            "INSERT OR REPLACE INTO device_usage SELECT attempt.job, number, owner, ?,"
            " attempt.started_at_unix_ms, attempt.finished_at_unix_ms"
            " FROM attempt JOIN job ON job.id = attempt.job WHERE attempt.job = ? AND number = ?",
            device, attempt.job, attempt.number);
  }
  return {};
}

std::vector<DeviceUsage> ListUsage(SQLite::Database& control, int64_t since_unix_ms) {
  SQLite::Statement query(control,
                          "SELECT owner, device, started_at_unix_ms, finished_at_unix_ms"
                          " FROM device_usage WHERE finished_at_unix_ms >= ?"
                          " ORDER BY finished_at_unix_ms");
  BindAll(query, since_unix_ms);
  std::vector<DeviceUsage> usages;
  while (query.executeStep()) {
    RowReader row(query);
    usages.push_back({row.Text(), row.Text(), row.Int64(), row.Int64()});
  }
  return usages;
}

std::vector<JobId> ListByMemoryKey(SQLite::Database& control, const std::string& key, int limit) {
  SQLite::Statement query(control,
                          "SELECT id FROM job WHERE memory_key = ? AND memory_key <> ''"
                          " AND num_attempts > 0 ORDER BY id DESC LIMIT ?");
  BindAll(query, key, limit);
  std::vector<JobId> jobs;
  while (query.executeStep()) jobs.push_back(query.getColumn(0).getInt64());
  return jobs;
}

std::vector<AttemptRecord> ListAttempts(SQLite::Database& control, JobId id) {
  SQLite::Statement query(control,
                          "SELECT number, state, cause, message, device, started_at_unix_ms,"
                          " finished_at_unix_ms, pid, pid_start_ticks, resumed_from_epoch"
                          " FROM attempt WHERE job = ? ORDER BY number");
  BindAll(query, id);
  std::vector<AttemptRecord> attempts;
  while (query.executeStep()) {
    RowReader row(query);
    AttemptRecord& attempt = attempts.emplace_back();
    attempt.job = id;
    attempt.number = row.Int();
    attempt.state = row.As<JobState>();
    attempt.cause = row.As<Cause>();
    attempt.message = row.ReadSentence();
    attempt.devices = ParseDevices(row.Text());
    attempt.started_at_unix_ms = row.Int64();
    attempt.finished_at_unix_ms = row.Int64();
    attempt.pid = row.Int();
    attempt.pid_start_ticks = row.Int64();
    attempt.resumed_from_epoch = row.Int();
  }
  return attempts;
}

std::vector<JobEventRecord> ListEvents(SQLite::Database& control, JobId id,
                                       int64_t after_event_id) {
  SQLite::Statement query(
      control,
      "SELECT id, job, at_unix_ms, from_state, to_state, cause, actor, message, level"
      " FROM job_event WHERE job = ? AND id > ? ORDER BY id");
  BindAll(query, id, after_event_id);
  return ReadEvents(query);
}

std::vector<JobEventRecord> ListAllEvents(SQLite::Database& control, int64_t after_event_id,
                                          int limit) {
  SQLite::Statement query(
      control,
      "SELECT id, job, at_unix_ms, from_state, to_state, cause, actor, message, level"
      " FROM job_event WHERE id > ? ORDER BY id LIMIT ?");
  BindAll(query, after_event_id, limit);
  return ReadEvents(query);
}

void InsertEvent(SQLite::Database& control, const JobEventRecord& event) {
  std::optional<int> from;
  if (event.from) from = static_cast<int>(*event.from);
  Execute(control,
          "INSERT INTO job_event (job, at_unix_ms, from_state, to_state, cause, actor, message,"
          " level) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          event.job, event.at_unix_ms, from, static_cast<int>(event.transition.to),
          static_cast<int>(event.transition.cause), event.transition.actor,
          event.transition.message, static_cast<int>(event.level));
}

}  // namespace distill::server::job_rows
