#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/job/worker_launcher.h"
#include "server/worker/worker_identity.h"
#include "server/worker/worker_run.h"

namespace distill::server {

struct ProcessWorkerLauncherOptions {
  std::filesystem::path executable;  // of the worker, absolute; its argument is the run directory
  std::chrono::milliseconds stop_grace{30'000};  // from SIGTERM to SIGKILL
  int64_t max_log_bytes = 0;                     // of a worker's log; 0 = no limit
  int64_t max_file_bytes = 0;                    // of any file of a worker; 0 = no limit
  /// How often journals are looked at when the file system tells of no change (as on NFS).
  std::chrono::milliseconds poll_interval{1'000};
  /// Whom workers run as; nothing = as this process. Run directories are given to that account, and
  /// the folders from `state_directory` down to them are opened for it to pass through.
  std::optional<WorkerIdentity> identity{};
  std::filesystem::path state_directory{};
};

/// Runs workers as processes of this machine. One thread follows them all.
/// Files that a worker makes are for its account only.
class ProcessWorkerLauncher final : public WorkerLauncher {
 public:
  /// kInvalidArgument: the executable's path is not absolute. kUnavailable: out of descriptors.
  static Result<std::unique_ptr<ProcessWorkerLauncher>> Create(
      const ProcessWorkerLauncherOptions& options);
  ~ProcessWorkerLauncher() override;

  void Attach(WorkerListener& listener) override;
  std::optional<WorkerProcess> FindRunning(const std::filesystem::path& run_directory) override;
  Result<WorkerProcess> Start(const LaunchRequest& request) override;
  Status Adopt(const LaunchRequest& request, const WorkerProcess& process) override;
  Status Stop(const RunKey& key, StopOrder order) override;
  std::optional<StopOrder> FindOrder(const std::filesystem::path& run_directory) override;
  void Detach() override;

 private:
  // A run, with what other threads may ask of it.
  struct Followed {
    std::unique_ptr<WorkerRun> run;  // the thread's, but for process()
    std::filesystem::path run_directory;
    int watch = -1;
    int64_t kill_at_ms = 0;  // 0 = not asked to stop
    bool is_killed = false;
  };

  ProcessWorkerLauncher(const ProcessWorkerLauncherOptions& options, FileDescriptor wake,
                        FileDescriptor inotify);

  uid_t UserOfWorkers() const;
  void KillChildrenLeftIn(const std::filesystem::path& run_directory);
  Status CheckIsNew(const RunKey& key) EXCLUDES(mutex_);
  Status HandOver(const std::filesystem::path& run_directory) const;
  void Follow(const LaunchRequest& request, std::unique_ptr<WorkerRun> run) EXCLUDES(mutex_);
  void Wake();
  void Loop();
  void AdvanceAll() EXCLUDES(mutex_);
  void Remove(const RunKey& key) EXCLUDES(mutex_);
  void KillOverdue() EXCLUDES(mutex_);
  int64_t NextTimeoutMs() EXCLUDES(mutex_);
  void WaitForSomething() EXCLUDES(mutex_);
  std::vector<WorkerRun*> Runs() EXCLUDES(mutex_);

  const ProcessWorkerLauncherOptions options_;
  const FileDescriptor wake_;     // an eventfd
  const FileDescriptor inotify_;  // not open where the kernel gives none: then polling does

  std::thread thread_;  // of Attach's and Detach's caller
  WorkerListener* listener_ = nullptr;

  Mutex mutex_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::map<RunKey, Followed> runs_ GUARDED_BY(mutex_);  // removed by the thread only
};

}  // namespace distill::server
