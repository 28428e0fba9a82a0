#include "server/access/audit_log.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "core/base/log.h"

namespace distill::server {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kMaxRecords = 1'000'000;
constexpr std::chrono::seconds kTick{60};

}  // namespace

AuditLog::AuditLog(const AuditLogOptions& options, AccessStore& store, const Clock& clock)
    : options_(options),
      store_(store),
      clock_(clock),
      minute_started_ms_(clock.MonotonicMillis()),
      thread_([this] {
        ::pthread_setname_np(::pthread_self(), "audit");
        Loop();
      }) {}

void AuditLog::RecordAction(const AuditRecord& record) {
  const MutexLock lock(mutex_);
  if (is_stopping_) return;
  waiting_.push_back(record);
  const int64_t own_number = ++num_added_;
  changed_.NotifyAll();
  while (num_done_ < own_number) changed_.Wait(mutex_);
}

void AuditLog::RecordFailure(const AuditRecord& record) {
  const MutexLock lock(mutex_);
  if (is_stopping_) return;
  if (clock_.MonotonicMillis() - minute_started_ms_ >= kMinuteMs) CloseMinute(waiting_);
  if (++failures_in_minute_ > options_.max_failures_per_minute) return;
  waiting_.push_back(record);
  ++num_added_;
  changed_.NotifyAll();
}

void AuditLog::CloseMinute(std::vector<AuditRecord>& records) {
  const int unlisted = failures_in_minute_ - options_.max_failures_per_minute;
  failures_in_minute_ = 0;
  minute_started_ms_ = clock_.MonotonicMillis();
  if (unlisted <= 0) return;
  AuditRecord summary;
  summary.at_unix_ms = clock_.UnixMillis();
  summary.method = "*";
  summary.outcome = "FAILED";
  summary.message = "calls not listed that were refused or failed: " + std::to_string(unlisted);
  records.push_back(std::move(summary));
  ++num_added_;
}

void AuditLog::Stop() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void AuditLog::Loop() {
  while (true) {
    std::vector<AuditRecord> records;
    bool is_last = false;
    {
      const MutexLock lock(mutex_);
      if (waiting_.empty() && !is_stopping_) changed_.WaitFor(mutex_, kTick);
      is_last = is_stopping_;
      const bool is_over = clock_.MonotonicMillis() - minute_started_ms_ >= kMinuteMs;
      if (is_last || is_over) CloseMinute(waiting_);
      records.swap(waiting_);
    }
    const auto count = static_cast<int64_t>(records.size());
    if (count > 0) Write(records);
    PruneWhenDue();
    {
      const MutexLock lock(mutex_);
      num_done_ += count;
      changed_.NotifyAll();
    }
    if (is_last) return;
  }
}

void AuditLog::Write(const std::vector<AuditRecord>& records) {
  const Status status = store_.AddAudit(records);
  if (status.ok()) return;
  LogError("audit trail not written",
           {{"records", static_cast<int64_t>(records.size())}, {"error", status.ToString()}});
}

void AuditLog::PruneWhenDue() {
  const int64_t now = clock_.MonotonicMillis();
  if (now < prune_at_ms_) return;
  prune_at_ms_ = now + kHourMs;
  const Status status =
      store_.PruneAudit(clock_.UnixMillis() - options_.keep_days * kDayMs, kMaxRecords);
  if (!status.ok()) LogWarning("audit trail not pruned", {{"error", status.ToString()}});
}

}  // namespace distill::server
