#include "server/store/database_rebuild.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/Savepoint.h>

#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/durable_file.h"
#include "server/job/job.h"
#include "server/store/damage_note.h"
#include "server/store/database_check.h"
#include "server/store/database_files.h"
#include "server/store/intake.h"
#include "server/store/job_records.h"
#include "server/store/migrator.h"
#include "server/store/row_dump.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_database.h"
#include "server/store/state_directory.h"
#include "server/store/wal_check.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

bool IsWhole(const fs::path& file, bool is_durable) {
  if (FindDamageNote(file)) return false;
  if (!CheckWriteAheadLog(file, is_durable).ok()) return false;
  const DatabaseFindings findings = CheckDatabase(file);
  return findings.exists && findings.damage.empty();
}

// Moves a database with what belongs to it into `folder`.
Status MoveAside(const fs::path& file, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return ErrnoStatus("make folder " + folder.string(), error.value());
  for (const char* end : {"", "-wal", "-shm", "-damaged"}) {
    const fs::path part = file.string() + end;
    if (!fs::exists(part, error)) continue;
    fs::rename(part, folder / part.filename(), error);
    if (error) return ErrnoStatus("move " + part.string(), error.value());
  }
  return SyncDirectory(folder);
}

// The folders of `directory` whose names are numbers, in order.
std::map<int64_t, fs::path> NumberedFolders(const fs::path& directory) {
  std::map<int64_t, fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    int64_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) folders[number] = entry.path();
  }
  return folders;
}

// Fills a new control.db.
class Filler {
 public:
  Filler(const fs::path& state_directory, SQLite::Database& control, RebuildReport& report)
      : state_directory_(state_directory),
        control_(control),
        report_(report),
        intake_(ReadIntake(state_directory)) {}

  // The newest first: where a folder was left of a job whose name was used again, the name is that
  // of the later one.
  void FillFromRecords() {
    std::set<JobId, std::greater<>> jobs;
    for (const auto& [id, folder] : NumberedFolders(state_directory_ / "runs")) jobs.insert(id);
    for (const auto& [id, note] : intake_) jobs.insert(id);
    for (const JobId id : jobs) RestoreJob(id);
    const auto datasets = NumberedFolders(state_directory_ / "datasets");
    for (auto one = datasets.rbegin(); one != datasets.rend(); ++one) {
      RestoreDataset(one->first, one->second);
    }
    AddUnknownAttempts();
    report_.num_jobs =
        static_cast<int>(SelectInt(control_, "SELECT count(*) FROM job").value_or(0));
    report_.num_datasets =
        static_cast<int>(SelectInt(control_, "SELECT count(*) FROM dataset").value_or(0));
  }

  // What belongs to no job and no data set (users, say) is in no record.
  void CopyOtherTables(const fs::path& damaged) {
    const auto tables = Guard("list tables", [&]() -> Result<std::vector<std::string>> {
      std::vector<std::string> names;
      SQLite::Statement query(
          control_,
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE"
          " 'sqlite_%' AND name NOT IN ('job', 'dataset', 'request',"
          " 'request_job', 'schema_migration') AND NOT EXISTS (SELECT 1 FROM"
          " pragma_foreign_key_list(name) WHERE \"table\" = 'job')");
      while (query.executeStep()) names.push_back(query.getColumn(0).getString());
      return names;
    });
    if (!tables.ok()) return;
    const Status attached = Guard("attach", [&]() -> Status {
      SQLite::Statement attach(control_, "ATTACH DATABASE ? AS damaged");
      attach.bind(1, damaged.string());
      attach.exec();
      return Status::Ok();
    });
    for (const std::string& table : *tables) {
      const Status copied = attached.ok() ? CopyTable(table) : attached;
      if (copied.ok()) {
        report_.copied_tables.push_back(table);
      } else {
        report_.losses.push_back("table " + table + ": " + copied.message());
      }
    }
  }

 private:
  void RestoreJob(JobId id) {
    const auto found = intake_.find(id);
    const IntakeNote note = found != intake_.end() ? found->second : IntakeNote();
    if (note.kind == IntakeNote::Kind::kDeleted) return;  // the next start removes what is left
    const fs::path folder = state_directory_ / "runs" / std::to_string(id);
    const auto record = ReadFile(folder / kRecordFile);
    // Its own record is newer than that in the intake.
    Status restored = record.ok() ? RestoreJobFrom(id, *record) : record.status();
    if (!restored.ok() && !note.record.empty()) restored = RestoreJobFrom(id, note.record);
    std::error_code error;
    if (restored.ok() || (note.record.empty() && !fs::exists(folder, error))) return;
    report_.losses.push_back("job " + std::to_string(id) + ": " + restored.message() +
                             "; its folder is left as it is");
  }

  Status RestoreJobFrom(JobId id, const std::string& record) {
    const Status restored = RestoreWhole("job", id, record);
    if (restored.code() != Code::kAlreadyExists) return restored;
    return RestoreUnderAnotherName(id, record);
  }

  void RestoreDataset(int64_t id, const fs::path& folder) {
    const auto record = ReadFile(folder / kRecordFile);
    const Status restored = record.ok() ? RestoreWhole("dataset", id, *record) : record.status();
    if (restored.ok()) return;
    report_.losses.push_back("data set " + std::to_string(id) +
                             (restored.code() == Code::kAlreadyExists ? ": a later one has its name"
                                                                      : ": no readable record"));
  }

  // Makes the rows of a record, or none. kAlreadyExists: the row of the job (of the data set)
  // itself has no place, another one has its name.
  Status RestoreWhole(const char* table, int64_t id, const std::string& record) {
    return Guard("restore", [&]() -> Status {
      SQLite::Savepoint before(control_, "record");
      DISTILL_RETURN_IF_ERROR(row_dump::Restore(control_, record));
      const std::string sql = std::string("SELECT 1 FROM ") + table + " WHERE id = ?";
      if (!SelectInt(control_, sql.c_str(), id)) return {Code::kAlreadyExists, "its name is taken"};
      before.release();
      return Status::Ok();
    });
  }

  Status RestoreUnderAnotherName(JobId id, const std::string& record) {
    constexpr int kMaxName = 63;
    return Guard("restore under another name", [&]() -> Status {
      SQLite::Savepoint before(control_, "names");
      // The others step aside: no name has a space.
      Execute(control_, "UPDATE job SET name = name || ' '");
      DISTILL_RETURN_IF_ERROR(RestoreWhole("job", id, record));
      const std::string end = "." + std::to_string(id);
      const std::string name = NameOf(id);
      const std::string new_name = name.substr(0, kMaxName - end.size()) + end;
      if (SelectInt(control_, "SELECT 1 FROM job WHERE name = ?", new_name + " ")) {
        return {Code::kAlreadyExists, "others have its name, " + name + ", and " + new_name};
      }
      Execute(control_, "UPDATE job SET name = ? WHERE id = ?", new_name, id);
      Execute(control_, "UPDATE job SET name = rtrim(name) WHERE id <> ?", id);
      const int64_t other =
          SelectInt(control_, "SELECT id FROM job WHERE name = ?", name).value_or(0);
      before.release();
      report_.losses.push_back("the name of job " + std::to_string(id) + ": " + name + " is job " +
                               std::to_string(other) + " now, this one is " + new_name);
      return Status::Ok();
    });
  }

  std::string NameOf(JobId id) {
    SQLite::Statement query(control_, "SELECT name FROM job WHERE id = ?");
    BindAll(query, id);
    return query.executeStep() ? query.getColumn(0).getString() : "";
  }

  // A record may be a moment older than the newest attempt: the next daemon finds out, from its
  // process and its journal, what became of it.
  void AddUnknownAttempts() {
    for (const auto& [id, folder] : NumberedFolders(state_directory_ / "runs")) {
      const auto known = SelectInt(control_, "SELECT num_attempts FROM job WHERE id = ?", id);
      const int64_t last = LastNumberIn(folder);
      if (!known || *known >= last) continue;
      const std::string devices = LikelyDevices(id);
      for (int64_t number = *known + 1; number <= last; ++number) {
        const auto state = number == last ? JobState::kStarting : JobState::kInterrupted;
        Execute(control_,
                "INSERT OR IGNORE INTO attempt (job, number, state, device, started_at_unix_ms,"
                " finished_at_unix_ms) SELECT id, ?, ?, ?, created_at_unix_ms,"
                " iif(?, 0, created_at_unix_ms) FROM job WHERE id = ?",
                number, static_cast<int>(state), devices, static_cast<int>(number == last), id);
      }
      Execute(control_,
              "UPDATE job SET state = ?, num_attempts = ?, finished_at_unix_ms = 0,"
              " device = iif(device = '', ?, device) WHERE id = ?",
              static_cast<int>(JobState::kStarting), last, devices, id);
    }
  }

  // Nothing tells which devices an attempt without a record had: the one asked for, else as many of
  // the CPU as it needs.
  std::string LikelyDevices(JobId id) {
    SQLite::Statement query(control_, "SELECT requested_device, num_devices FROM job WHERE id = ?");
    BindAll(query, id);
    if (!query.executeStep()) return "cpu";
    const std::string requested = query.getColumn(0).getString();
    const int num_devices = query.getColumn(1).getInt();
    if (!requested.empty() && requested != "cpu") return requested;
    std::vector<std::string> devices = {"cpu"};
    for (int i = 1; i < num_devices; ++i) devices.push_back("cpu:" + std::to_string(i));
    return DevicesText(devices);
  }

  Status CopyTable(const std::string& table) {
    return Guard("copy", [&]() -> Status {
      std::string columns;
      SQLite::Statement query(control_, "SELECT name FROM pragma_table_info('" + table + "')");
      while (query.executeStep()) {
        columns += (columns.empty() ? "" : ", ") + query.getColumn(0).getString();
      }
      control_.exec("INSERT OR IGNORE INTO main." + table + " (" + columns + ") SELECT " + columns +
                    " FROM damaged." + table);
      return Status::Ok();
    });
  }

  const fs::path& state_directory_;
  SQLite::Database& control_;
  RebuildReport& report_;
  const std::map<JobId, IntakeNote> intake_;
};

Status MakeControl(const fs::path& state_directory, const fs::path& damaged, int64_t now_unix_ms,
                   RebuildReport& report) {
  SqliteDatabaseOptions options;
  options.path = state_directory / kControlFile;
  options.application_id = kControlApplicationId;
  // Made first, so that it has its kind and its schema; then filled by a connection of its own.
  DISTILL_RETURN_IF_ERROR(SqliteDatabase::Open(options, ControlMigrations(), now_unix_ms).status());
  const Status filled = Guard("fill " + options.path.string(), [&]() -> Status {
    SQLite::Database control(options.path.string(), SQLite::OPEN_READWRITE);
    control.exec("PRAGMA synchronous = FULL");
    Filler filler(state_directory, control, report);
    {
      SQLite::Transaction transaction(control, SQLite::TransactionBehavior::IMMEDIATE);
      filler.FillFromRecords();
      transaction.commit();
    }
    std::error_code error;
    if (fs::exists(damaged, error)) filler.CopyOtherTables(damaged);
    return Status::Ok();
  });
  DISTILL_RETURN_IF_ERROR(filled);
  const DatabaseFindings findings = CheckDatabase(options.path);
  if (findings.damage.empty()) return Status::Ok();
  return {Code::kDataLoss, "what was rebuilt is not whole: " + findings.damage.front()};
}

// Puts the old files back in their place.
void MoveBack(const fs::path& state_directory, const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code failed;
    fs::rename(entry.path(), state_directory / entry.path().filename(), failed);
  }
}

}  // namespace

Result<RebuildReport> RebuildDatabases(const fs::path& state_directory, bool is_all,
                                       int64_t now_unix_ms) {
  DISTILL_ASSIGN_OR_RETURN(const StateDirectory lock, StateDirectory::Lock(state_directory));
  RebuildReport report;
  const fs::path control = state_directory / kControlFile;
  const fs::path metrics = state_directory / kMetricsFile;
  report.has_new_control = is_all || !IsWhole(control, /*is_durable=*/true);
  report.has_new_metrics = report.has_new_control || !IsWhole(metrics, /*is_durable=*/false);
  if (!report.has_new_metrics) return report;
  report.old_files = state_directory / ("replaced-" + std::to_string(now_unix_ms));
  Status status = Status::Ok();
  if (report.has_new_control) status = MoveAside(control, report.old_files);
  if (status.ok()) status = MoveAside(metrics, report.old_files);
  if (status.ok() && report.has_new_control) {
    status = MakeControl(state_directory, report.old_files / kControlFile, now_unix_ms, report);
  }
  if (status.ok()) {
    SqliteDatabaseOptions options;
    options.path = metrics;
    options.application_id = kMetricsApplicationId;
    status = SqliteDatabase::Open(options, MetricsMigrations(), now_unix_ms).status();
  }
  if (status.ok()) return report;
  MoveBack(state_directory, report.old_files);
  return status;
}

}  // namespace distill::server
