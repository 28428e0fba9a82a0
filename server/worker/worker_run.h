#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "core/base/durable_file.h"
#include "server/job/worker_launcher.h"

namespace distill::server {

/// Follows one worker: reads its journal on, and sees when its process ends.
/// Owned by one thread.
class WorkerRun {
 public:
  enum class Origin { kStarted, kAdopted };

  /// `max_log_bytes`: as LimitLog.
  WorkerRun(const LaunchRequest& request, const WorkerProcess& process, Origin origin,
            int64_t max_log_bytes);

  const RunKey& key() const { return key_; }
  const WorkerProcess& process() const { return process_; }
  /// Meaningful once Advance has returned true.
  const WorkerExitStatus& exit_status() const { return exit_status_; }
  /// Becomes readable when the process ends; -1 when it has, or when there is no such thing.
  int process_descriptor() const { return process_descriptor_.get(); }
  bool has_exited() const { return has_exited_; }
  /// Returns when the journal should be tried again after a failure; 0 = no failure.
  int64_t retry_at_ms() const { return retry_at_ms_; }

  /// Gives all new events to `listener` and looks after the process. Returns true when the process
  /// is gone and every whole event has been taken. `now_ms`: of the monotonic clock.
  bool Advance(WorkerListener& listener, int64_t now_ms);

 private:
  void LookAfterProcess();
  void NoteExit();
  void CutLog(int64_t now_ms);
  bool Drain(WorkerListener& listener, int64_t now_ms);
  bool RetryLater(const Status& status, int64_t now_ms);

  const RunKey key_;
  const std::filesystem::path journal_;
  const std::filesystem::path log_;
  const int64_t max_log_bytes_;
  const WorkerProcess process_;
  const Origin origin_;
  FileDescriptor process_descriptor_;
  int64_t offset_;
  int64_t retry_at_ms_ = 0;
  int64_t log_cut_at_ms_ = 0;
  int num_failures_ = 0;
  bool has_exited_ = false;
  bool has_incomplete_tail_ = false;
  WorkerExitStatus exit_status_;
};

}  // namespace distill::server
