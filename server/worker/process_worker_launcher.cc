#include "server/worker/process_worker_launcher.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/worker/process.h"

namespace distill::server {
namespace {

int64_t NowMs() { return SystemClock().MonotonicMillis(); }

void Empty(int descriptor) {
  std::array<char, 4096> ignored{};
  while (::read(descriptor, ignored.data(), ignored.size()) > 0) {
  }
}

Status NotFollowed(const RunKey& key) {
  return {Code::kNotFound,
          "no such run: " + std::to_string(key.id) + " attempt " + std::to_string(key.attempt)};
}

// Holds a process to files of so many bytes: a larger write fails in it, or ends it by SIGXFSZ.
void LimitFiles(int pid, int64_t max_bytes) {
  if (max_bytes == 0) return;
  const auto bytes = static_cast<rlim_t>(max_bytes);
  const rlimit limit{bytes, bytes};
  if (::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) == 0) return;
  LogWarning("files of a worker are not limited",
             {{"pid", pid}, {"error", ErrnoStatus("prlimit", errno).ToString()}});
}

}  // namespace

Result<std::unique_ptr<ProcessWorkerLauncher>> ProcessWorkerLauncher::Create(
    const ProcessWorkerLauncherOptions& options) {
  if (!options.executable.is_absolute()) {
    return Status(Code::kInvalidArgument,
                  "the worker's path must be absolute: " + options.executable.string());
  }
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open()) return Status(Code::kUnavailable, "no eventfd: too many open files");
  FileDescriptor inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.is_open()) LogWarning("no inotify, journals are polled");
  return std::unique_ptr<ProcessWorkerLauncher>(
      new ProcessWorkerLauncher(options, std::move(wake), std::move(inotify)));
}

ProcessWorkerLauncher::ProcessWorkerLauncher(const ProcessWorkerLauncherOptions& options,
                                             FileDescriptor wake, FileDescriptor inotify)
    : options_(options), wake_(std::move(wake)), inotify_(std::move(inotify)) {}

ProcessWorkerLauncher::~ProcessWorkerLauncher() { Detach(); }

void ProcessWorkerLauncher::Attach(WorkerListener& listener) {
  listener_ = &listener;
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "worker-watch");
    Loop();
  });
}

uid_t ProcessWorkerLauncher::UserOfWorkers() const {
  return options_.identity ? options_.identity->user : ::geteuid();
}

std::optional<WorkerProcess> ProcessWorkerLauncher::FindRunning(
    const std::filesystem::path& run_directory) {
  return FindProcessOf(run_directory, options_.executable, UserOfWorkers());
}

Result<WorkerProcess> ProcessWorkerLauncher::Start(const LaunchRequest& request) {
  DISTILL_RETURN_IF_ERROR(CheckIsNew(request.key));
  SpawnRequest spawn;
  spawn.executable = options_.executable;
  spawn.arguments = {request.run_directory.string()};
  spawn.environment = request.environment;
  spawn.working_directory = request.run_directory;
  spawn.output_file = request.run_directory / "worker.log";
  spawn.identity = options_.identity;
  DISTILL_RETURN_IF_ERROR(HandOver(request.run_directory).WithContext("give to worker_user"));
  DISTILL_ASSIGN_OR_RETURN(const WorkerProcess process, Spawn(spawn));
  LimitFiles(process.pid, options_.max_file_bytes);
  Follow(request, std::make_unique<WorkerRun>(request, process, WorkerRun::Origin::kStarted,
                                              options_.max_log_bytes));
  return process;
}

Status ProcessWorkerLauncher::Adopt(const LaunchRequest& request, const WorkerProcess& process) {
  DISTILL_RETURN_IF_ERROR(CheckIsNew(request.key));
  if (process.pid == 0) KillChildrenLeftIn(request.run_directory);
  Follow(request, std::make_unique<WorkerRun>(request, process, WorkerRun::Origin::kAdopted,
                                              options_.max_log_bytes));
  return Status::Ok();
}

// Of a worker whose pid was never noted and that is gone.
void ProcessWorkerLauncher::KillChildrenLeftIn(const std::filesystem::path& run_directory) {
  for (const RunningWorker& child : ListWorkers(options_.executable, UserOfWorkers())) {
    if (child.run_directory == run_directory) Signal(child.process, SIGKILL);
  }
}

Status ProcessWorkerLauncher::CheckIsNew(const RunKey& key) {
  const MutexLock lock(mutex_);
  if (runs_.count(key) == 0) return Status::Ok();
  return {Code::kFailedPrecondition, "the run is followed already: " + std::to_string(key.id)};
}

// Earlier attempts of the job too: their checkpoints are read.
Status ProcessWorkerLauncher::HandOver(const std::filesystem::path& run_directory) const {
  if (!options_.identity) return {};
  DISTILL_RETURN_IF_ERROR(OpenWayTo(run_directory, options_.state_directory));
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(run_directory.parent_path(), error)) {
    if (entry.is_symlink(error) || !entry.is_directory(error)) continue;
    DISTILL_RETURN_IF_ERROR(GiveFolderTo(*options_.identity, entry.path()));
  }
  return {};
}

void ProcessWorkerLauncher::Follow(const LaunchRequest& request, std::unique_ptr<WorkerRun> run) {
  Followed followed;
  followed.run = std::move(run);
  followed.run_directory = request.run_directory;
  if (inotify_.is_open()) {
    followed.watch = ::inotify_add_watch(inotify_.get(), request.run_directory.c_str(),
                                         IN_CREATE | IN_MODIFY | IN_MOVED_TO);
  }
  {
    const MutexLock lock(mutex_);
    runs_[request.key] = std::move(followed);
  }
  Wake();
}

std::optional<StopOrder> ProcessWorkerLauncher::FindOrder(
    const std::filesystem::path& run_directory) {
  return ReadStopOrder(run_directory);
}

Status ProcessWorkerLauncher::Stop(const RunKey& key, StopOrder order) {
  WorkerProcess process;
  std::filesystem::path run_directory;
  {
    const MutexLock lock(mutex_);
    const auto found = runs_.find(key);
    if (found == runs_.end()) return NotFollowed(key);
    Followed& followed = found->second;
    if (followed.kill_at_ms == 0) followed.kill_at_ms = NowMs() + options_.stop_grace.count();
    process = followed.run->process();
    run_directory = followed.run_directory;
  }
  const Status ordered = WriteStopOrder(run_directory, order);
  if (!ordered.ok()) LogWarning("order not written", {{"error", ordered.ToString()}});
  if (options_.identity) {
    const Status given = GiveFolderTo(*options_.identity, run_directory);
    if (!given.ok()) LogWarning("order not given", {{"error", given.ToString()}});
  }
  Signal(process, SIGTERM);
  Wake();
  return Status::Ok();
}

void ProcessWorkerLauncher::Detach() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
}

void ProcessWorkerLauncher::Wake() {
  const uint64_t one = 1;
  // Fails only when it is full, and then the thread is awake anyhow.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void ProcessWorkerLauncher::Loop() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      if (is_stopping_) return;
    }
    AdvanceAll();
    KillOverdue();
    WaitForSomething();
  }
}

// The listener is called without the lock: it may ask this object for something in turn.
void ProcessWorkerLauncher::AdvanceAll() {
  for (WorkerRun* run : Runs()) {
    if (!run->Advance(*listener_, NowMs())) continue;
    const RunKey key = run->key();
    const WorkerExitStatus exit = run->exit_status();
    Remove(key);
    listener_->OnExit(key, exit);
  }
}

void ProcessWorkerLauncher::Remove(const RunKey& key) {
  const MutexLock lock(mutex_);
  const auto found = runs_.find(key);
  if (found->second.watch >= 0) ::inotify_rm_watch(inotify_.get(), found->second.watch);
  runs_.erase(found);
}

void ProcessWorkerLauncher::KillOverdue() {
  const int64_t now_ms = NowMs();
  const MutexLock lock(mutex_);
  for (auto& [key, followed] : runs_) {
    const bool is_overdue = followed.kill_at_ms != 0 && now_ms >= followed.kill_at_ms;
    if (!is_overdue || followed.is_killed || followed.run->has_exited()) continue;
    LogWarning("worker did not stop in time, killing it",
               {{"id", key.id}, {"pid", followed.run->process().pid}});
    KillGroup(followed.run->process());
    followed.is_killed = true;
  }
}

std::vector<WorkerRun*> ProcessWorkerLauncher::Runs() {
  const MutexLock lock(mutex_);
  std::vector<WorkerRun*> runs;
  for (const auto& [key, followed] : runs_) runs.push_back(followed.run.get());
  return runs;
}

int64_t ProcessWorkerLauncher::NextTimeoutMs() {
  const int64_t now_ms = NowMs();
  int64_t wake_at_ms = now_ms + options_.poll_interval.count();
  const MutexLock lock(mutex_);
  for (const auto& [key, followed] : runs_) {
    if (followed.kill_at_ms != 0 && !followed.is_killed) {
      wake_at_ms = std::min(wake_at_ms, followed.kill_at_ms);
    }
    const int64_t retry_at_ms = followed.run->retry_at_ms();
    if (retry_at_ms != 0) wake_at_ms = std::min(wake_at_ms, retry_at_ms);
  }
  return std::max<int64_t>(wake_at_ms - now_ms, 0);
}

void ProcessWorkerLauncher::WaitForSomething() {
  std::vector<pollfd> descriptors = {{wake_.get(), POLLIN, 0}};
  if (inotify_.is_open()) descriptors.push_back({inotify_.get(), POLLIN, 0});
  for (const WorkerRun* run : Runs()) {
    if (run->process_descriptor() >= 0) {
      descriptors.push_back({run->process_descriptor(), POLLIN, 0});
    }
  }
  ::poll(descriptors.data(), descriptors.size(), static_cast<int>(NextTimeoutMs()));
  Empty(wake_.get());
  if (inotify_.is_open()) Empty(inotify_.get());
}

}  // namespace distill::server
