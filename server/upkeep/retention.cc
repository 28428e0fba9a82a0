#include "server/upkeep/retention.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "core/base/log.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kPeriod{10};

std::optional<RunFile::Kind> KindOf(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension == ".ckpt" || extension == ".tmp") return RunFile::Kind::kCheckpoint;
  if (file.filename() == "worker.log") return RunFile::Kind::kLog;
  if (extension == ".safetensors") return RunFile::Kind::kModel;
  return std::nullopt;
}

// What a regular file takes of the disk: less than its size where it has holes, as a log that was
// cut at its front. Nothing for another kind of file, or one that is gone.
std::optional<int64_t> BytesOnDisk(const fs::path& file) {
  constexpr int64_t kBytesPerUnit = 512;
  struct stat facts {};
  if (::lstat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return facts.st_blocks * kBytesPerUnit;
}

// Adds the files of one job, all of them to the size, those that may go to the list.
void SurveyJob(const JobRecord& job, const fs::path& folder, RetentionSurvey& survey,
               std::vector<RunFile>& files) {
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const auto bytes = BytesOnDisk(entry->path());
    if (!bytes) continue;
    survey.use.used_bytes += *bytes;
    const auto kind = KindOf(entry->path());
    if (!kind || !IsTerminal(job.state)) continue;
    files.push_back({job.id, job.finished_at_unix_ms, *kind, entry->path(), *bytes});
  }
}

}  // namespace

Result<int64_t> FreeBytes(const fs::path& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus("statvfs " + path.string(), errno);
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

Result<RetentionSurvey> SurveyRuns(const fs::path& state_directory, JobStore& store,
                                   const RetentionPolicy& policy, int64_t now_unix_ms) {
  RetentionSurvey survey;
  DISTILL_ASSIGN_OR_RETURN(survey.use.free_bytes, FreeBytes(state_directory));
  std::vector<RunFile> files;
  JobListQuery query;
  query.page_size = 1000;
  while (true) {
    DISTILL_ASSIGN_OR_RETURN(const std::vector<JobRecord> jobs, store.ListJobs(query));
    if (jobs.empty()) break;
    query.before_id = jobs.back().id;
    for (const JobRecord& job : jobs) {
      SurveyJob(job, state_directory / "runs" / std::to_string(job.id), survey, files);
    }
  }
  survey.to_remove = FilesToRemove(std::move(files), survey.use, policy, now_unix_ms);
  return survey;
}

Retention::Retention(fs::path state_directory, JobStore& store, const Clock& clock,
                     const RetentionPolicy& policy)
    : state_directory_(std::move(state_directory)), store_(store), clock_(clock), policy_(policy) {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "retention");
    Loop();
  });
}

Retention::~Retention() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.NotifyAll();
  thread_.join();
}

void Retention::Loop() {
  while (true) {
    const auto removed = RunOnce();
    if (!removed.ok()) LogWarning("retention put off", {{"error", removed.status().ToString()}});
    const MutexLock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + kPeriod;
    while (!is_stopping_ && std::chrono::steady_clock::now() < end) {
      stopping_.WaitFor(mutex_, end - std::chrono::steady_clock::now());
    }
    if (is_stopping_) return;
  }
}

Result<int> Retention::RunOnce() {
  DISTILL_ASSIGN_OR_RETURN(const RetentionSurvey survey,
                           SurveyRuns(state_directory_, store_, policy_, clock_.UnixMillis()));
  int num_removed = 0;
  for (const RunFile& file : survey.to_remove) {
    // It may have been queued again meanwhile.
    const auto job = store_.FindJob(file.job);
    if (!job.ok() || !IsTerminal(job->state)) continue;
    std::error_code error;
    if (!fs::remove(file.path, error)) continue;
    ++num_removed;
    LogInfo("file removed by retention", {{"path", file.path.string()}, {"bytes", file.bytes}});
  }
  return num_removed;
}

}  // namespace distill::server
