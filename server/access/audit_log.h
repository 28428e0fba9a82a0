#pragma once

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/access/access_store.h"

namespace distill::server {

struct AuditLogOptions {
  int keep_days = 365;
  /// Failed calls that are written one by one in a minute; more are counted, and the count is
  /// written: whoever knocks without end must not fill the disk.
  int max_failures_per_minute = 60;
};

/// Writes the audit trail, those that come together in one transaction, and drops what is too old.
/// Thread-safe.
class AuditLog {
 public:
  /// Both must outlive this object, whose thread starts at once.
  AuditLog(const AuditLogOptions& options, AccessStore& store, const Clock& clock);
  ~AuditLog() { Stop(); }
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Writes that something was done. On disk when this returns, unless that fails, which
  /// goes to the log: what was done stays done.
  void RecordAction(const AuditRecord& record) EXCLUDES(mutex_);

  /// Writes soon that a call was refused, or failed. Does not block.
  void RecordFailure(const AuditRecord& record) EXCLUDES(mutex_);

  /// Writes what is left and joins the thread. Stopping twice is no error.
  void Stop() EXCLUDES(mutex_);

 private:
  void Loop();
  void Write(const std::vector<AuditRecord>& records);
  void PruneWhenDue();
  // Adds to `records` what the minute that is over did not list.
  void CloseMinute(std::vector<AuditRecord>& records) REQUIRES(mutex_);

  const AuditLogOptions options_;
  AccessStore& store_;
  const Clock& clock_;
  int64_t prune_at_ms_ = 0;  // monotonic; of the thread

  Mutex mutex_;
  ConditionVariable changed_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::vector<AuditRecord> waiting_ GUARDED_BY(mutex_);
  int64_t num_added_ GUARDED_BY(mutex_) = 0;  // since the start
  int64_t num_done_ GUARDED_BY(mutex_) = 0;   // written, or given up
  int64_t minute_started_ms_ GUARDED_BY(mutex_) = 0;
  int failures_in_minute_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace distill::server
