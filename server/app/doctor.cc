#include "server/app/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <system_error>

#include "core/base/durable_file.h"
#include "server/app/retention_policy.h"
#include "server/device/nvml_device_catalog.h"
#include "server/store/database_backup.h"
#include "server/store/database_check.h"
#include "server/store/database_files.h"
#include "server/store/intake.h"
#include "server/store/sqlite_job_store.h"
#include "server/store/state_directory.h"
#include "server/store/wal_check.h"
#include "server/upkeep/retention.h"
#include "server/worker/process.h"
#include "server/worker/worker_identity.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr char kRestoreOrRebuild[] =
    "; stop distilld, then restore a backup or run `distilld rebuild`";

std::string Listed(const std::vector<std::string>& items) {
  constexpr size_t kMost = 10;
  std::string text;
  for (size_t i = 0; i < items.size() && i < kMost; ++i) text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > kMost) text += " and " + std::to_string(items.size() - kMost) + " more";
  return text;
}

class Examination {
 public:
  Examination(const Config& config, const Clock& clock)
      : config_(config), clock_(clock), state_(config.state_dir) {}

  std::vector<Finding> Run() {
    LookAtSqlite();
    if (LookAtFolder()) {
      is_running_ = IsLocked(state_);
      Note("daemon", Level::kOk, is_running_ ? "runs" : "does not run");
      LookAtDatabase(kControlFile, NewestControlSchema(), /*is_durable=*/true);
      LookAtDatabase(kMetricsFile, NewestMetricsSchema(), /*is_durable=*/false);
      LookAtDisk();
      LookAtRuns();
      LookAtBackup();
    }
    LookAtWorker();
    LookAtDevices();
    return std::move(findings_);
  }

 private:
  void Note(const std::string& subject, Level level, const std::string& message) {
    findings_.push_back({subject, level, message});
  }

  void LookAtSqlite() {
    const std::string version = SqliteVersion();
    Note("SQLite", Level::kOk,
         HasWalResetFault(SqliteVersionNumber())
             ? version +
                   " has the WAL-reset fault (fixed in 3.51.3, 3.50.7, 3.44.6), which needs two"
                   " connections that write; distilld has one for each file, and `distilld user`, "
                   "for a moment, one"
                   " that leaves the log alone"
             : version);
  }

  bool LookAtFolder() {
    struct stat info {};
    if (::stat(state_.c_str(), &info) != 0) {
      Note("state folder", Level::kError,
           "there is none: " + state_.string() + "; start distilld, or name it by --state-dir");
      return false;
    }
    const Status local = CheckFileSystem(state_);
    if (!local.ok()) Note("file system", Level::kError, local.message());
    if (local.ok()) Note("file system", Level::kOk, "local");
    std::vector<std::string> faults;
    if (info.st_uid != ::geteuid()) {
      faults.push_back("it belongs to user " + std::to_string(info.st_uid) + ", not to " +
                       std::to_string(::geteuid()) + "; run this as the daemon's user");
    }
    if ((info.st_mode & 066U) != 0) faults.emplace_back("others may list or change it; chmod 711");
    if (::access(state_.c_str(), R_OK | W_OK | X_OK) != 0) faults.emplace_back("not writable");
    for (const char* name : {kControlFile, kMetricsFile}) {
      struct stat file {};
      if (::stat((state_ / name).c_str(), &file) == 0 && (file.st_mode & 066U) != 0) {
        faults.push_back("others may read " + std::string(name) + "; chmod 600");
      }
    }
    Note("permissions", faults.empty() ? Level::kOk : Level::kWarning,
         faults.empty() ? "the owner's only" : state_.string() + ": " + Listed(faults));
    return true;
  }

  void LookAtDatabase(const char* name, int newest, bool is_durable) {
    const fs::path file = state_ / name;
    // While a daemon writes, its log changes under the reader's eyes.
    const Status log = is_running_ ? Status::Ok() : CheckWriteAheadLog(file, is_durable);
    if (!log.ok()) return Note(name, Level::kError, log.message() + kRestoreOrRebuild);
    const DatabaseFindings found = CheckDatabase(file);
    if (!found.exists) {
      const bool has_runs = LastNumberIn(state_ / "runs") > 0;
      return Note(name, has_runs ? Level::kError : Level::kOk,
                  has_runs ? "missing, but there are runs" + std::string(kRestoreOrRebuild)
                           : "not made yet");
    }
    if (!found.damage.empty()) {
      return Note(name, Level::kError, "damaged: " + Listed(found.damage) + kRestoreOrRebuild);
    }
    const std::string schema = "schema " + std::to_string(found.schema_version);
    if (found.schema_version > newest) {
      return Note(name, Level::kError,
                  schema + " is of a newer distilld, this one knows " + std::to_string(newest));
    }
    Note(name, Level::kOk, "whole, " + schema);
  }

  void LookAtDisk() {
    const auto free = FreeBytes(state_);
    if (!free.ok()) return Note("disk", Level::kError, free.status().message());
    const bool is_short = *free < config_.min_free_disk_mib << 20;
    Note(
        "disk", is_short ? Level::kError : Level::kOk,
        std::to_string(*free >> 20) + " MiB free" +
            (is_short ? ", no job starts below " + std::to_string(config_.min_free_disk_mib) : ""));
  }

  void LookAtRetention(JobStore& store) {
    const auto survey = SurveyRuns(state_, store, RetentionOf(config_), clock_.UnixMillis());
    if (!survey.ok()) return Note("retention", Level::kError, survey.status().message());
    int64_t bytes = 0;
    for (const RunFile& file : survey->to_remove) bytes += file.bytes;
    Note("retention", Level::kOk,
         "runs use " + std::to_string(survey->use.used_bytes >> 20) +
             " MiB; due to be removed: " + std::to_string(survey->to_remove.size()) + " files, " +
             std::to_string(bytes >> 20) + " MiB");
  }

  void LookAtRuns() {
    SqliteJobStoreOptions options;
    options.state_directory = state_;
    options.read_only_because = "this is the doctor";
    options.takes_lock = false;
    const auto store = OpenSqliteJobStore(options, clock_);
    if (!store.ok() || !ReadJobs(**store)) return;  // told by LookAtDatabase
    LookAtFolders();
    LookAtProcesses();
    LookAtClock(**store);
    LookAtRetention(**store);
  }

  bool ReadJobs(JobStore& store) {
    JobListQuery query;
    query.page_size = 1000;
    while (true) {
      const auto page = store.ListJobs(query);
      if (!page.ok()) return false;
      for (const JobRecord& job : *page) jobs_[job.id] = job;
      if (page->empty()) return true;
      query.before_id = page->back().id;
    }
  }

  void LookAtFolders() {
    std::vector<std::string> orphans;
    std::vector<std::string> deleted;
    std::vector<std::string> empty;
    std::error_code error;
    const auto notes = ReadIntake(state_);
    for (const auto& entry : fs::directory_iterator(state_ / "runs", error)) {
      const JobId id = NumberOf(entry.path());
      if (jobs_.count(id) != 0) continue;
      const auto note = notes.find(id);
      const bool is_deleted = note != notes.end() && note->second.kind != IntakeNote::Kind::kRecord;
      (is_deleted ? deleted : orphans).push_back(entry.path().filename().string());
    }
    for (const auto& [id, job] : jobs_) {
      const fs::path folder =
          state_ / "runs" / std::to_string(id) / std::to_string(job.num_attempts);
      if (job.num_attempts > 0 && job.state != JobState::kStarting && !fs::exists(folder, error)) {
        empty.push_back(std::to_string(id));
      }
    }
    if (!deleted.empty()) {
      Note("run folders", Level::kWarning,
           "of deleted jobs: " + Listed(deleted) + "; the next start of distilld removes them");
    }
    if (!orphans.empty()) {
      Note("run folders", Level::kWarning,
           "without a job in the database: " + Listed(orphans) +
               "; `distilld rebuild --all` takes them in, or remove them");
    }
    if (deleted.empty() && orphans.empty()) Note("run folders", Level::kOk, "each has its job");
    Note("jobs", empty.empty() ? Level::kOk : Level::kWarning,
         empty.empty() ? std::to_string(jobs_.size()) + ", each has its files"
                       : "without run folders: " + Listed(empty) + "; their models are gone");
  }

  void LookAtProcesses() {
    std::vector<std::string> strays;
    int num_workers = 0;
    const auto identity = FindWorkerIdentity(config_.worker_user);
    const uid_t user = identity.ok() && *identity ? (*identity)->user : ::geteuid();
    for (const RunningWorker& worker : ListWorkers(config_.worker_executable, user)) {
      const fs::path runs = state_ / "runs";
      const bool is_run = worker.run_directory.parent_path().parent_path() == runs;
      if (!is_run) continue;
      const auto job = jobs_.find(NumberOf(worker.run_directory.parent_path()));
      const bool is_wanted = job != jobs_.end() && HasWorker(job->second.state) &&
                             job->second.num_attempts == NumberOf(worker.run_directory);
      ++num_workers;
      if (!is_wanted) strays.push_back(std::to_string(worker.process.pid));
    }
    Note("workers", strays.empty() ? Level::kOk : Level::kError,
         strays.empty() ? std::to_string(num_workers) + ", each has its job"
                        : "processes without a job that runs: " + Listed(strays) +
                              "; look at them (ps), then end them (kill)");
  }

  void LookAtClock(JobStore& store) {
    constexpr int64_t kSlackMs = 60'000;
    const auto newest = store.NewestEventId();
    if (!newest.ok() || *newest == 0) return;
    const auto events = store.ListAllEvents(*newest - 1, 1);
    if (!events.ok() || events->empty()) return;
    const int64_t ahead_ms = events->front().at_unix_ms - clock_.UnixMillis();
    Note("clock", ahead_ms > kSlackMs ? Level::kWarning : Level::kOk,
         ahead_ms > kSlackMs ? "the newest event lies " + std::to_string(ahead_ms / 1000) +
                                   " s in the future; is the machine's clock set?"
                             : "behind no stored time");
  }

  void LookAtBackup() {
    const std::string newest = NewestBackup(state_);
    const bool is_there = newest.rfind("newest backup", 0) == 0;
    Note("backup", is_there ? Level::kOk : Level::kWarning,
         is_there ? newest : newest + "; `distilld backup FOLDER` makes one");
  }

  void LookAtWorker() {
    const bool is_there = ::access(config_.worker_executable.c_str(), X_OK) == 0;
    Note("worker", is_there ? Level::kOk : Level::kError,
         (is_there ? "" : "no program that may be run: ") + config_.worker_executable.string());
  }

  void LookAtDevices() {
    SystemNvmlLoader loader(config_.nvml_library);
    const auto driver = loader.Load();
    const auto gpus =
        driver.ok() ? (*driver)->ListGpus() : Result<std::vector<DeviceInfo>>(driver.status());
    if (driver.status().code() == Code::kNotFound) {
      return Note("driver", Level::kOk, "none, jobs run on the CPU: " + config_.nvml_library);
    }
    if (!gpus.ok()) {
      return Note("driver", Level::kError, "does not answer: " + gpus.status().message());
    }
    std::vector<std::string> closed;
    for (const DeviceInfo& gpu : *gpus) {
      if (!gpu.closed_because.empty()) closed.push_back(gpu.id + ": " + gpu.closed_because);
    }
    Note("driver", closed.empty() ? Level::kOk : Level::kError,
         closed.empty() ? "GPUs: " + std::to_string(gpus->size()) : Listed(closed));
  }

  static int64_t NumberOf(const fs::path& folder) {
    const std::string name = folder.filename().string();
    int64_t number = -1;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
  }

  const Config& config_;
  const Clock& clock_;
  const fs::path state_;
  bool is_running_ = false;
  std::map<JobId, JobRecord> jobs_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> Examine(const Config& config, const Clock& clock) {
  return Examination(config, clock).Run();
}

std::string LevelName(Finding::Level level) {
  if (level == Level::kOk) return "ok";
  return level == Level::kWarning ? "warning" : "error";
}

}  // namespace distill::server
