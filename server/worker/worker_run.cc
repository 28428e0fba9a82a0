#include "server/worker/worker_run.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "core/base/journal.h"
#include "core/base/log.h"
#include "server/worker/journal_messages.h"
#include "server/worker/log_limit.h"
#include "server/worker/process.h"

namespace distill::server {
namespace {

std::string NameOf(const RunKey& key) {
  const std::string kind = key.kind == RunKey::Kind::kJob ? "job " : "data set ";
  return kind + std::to_string(key.id) + " attempt " + std::to_string(key.attempt);
}

bool IsReadable(int descriptor) {
  pollfd query{descriptor, POLLIN, 0};
  return ::poll(&query, 1, 0) == 1;
}

WorkerExitStatus ToExitStatus(const siginfo_t& info) {
  WorkerExitStatus status;
  status.is_known = true;
  if (info.si_code == CLD_EXITED) {
    status.exit_code = info.si_status;
  } else {
    status.signal = info.si_status;
  }
  return status;
}

RunEventBatch ToBatch(const JournalChunk& chunk, const RunKey& key) {
  RunEventBatch batch;
  batch.next_offset = chunk.next_offset;
  for (const std::string& payload : chunk.payloads) {
    auto event = ParseRunEvent(payload);
    if (event.ok()) {
      batch.events.push_back(std::move(event).value());
    } else {
      LogError("journal event skipped",
               {{"run", NameOf(key)}, {"error", event.status().ToString()}});
    }
  }
  return batch;
}

}  // namespace

WorkerRun::WorkerRun(const LaunchRequest& request, const WorkerProcess& process, Origin origin,
                     int64_t max_log_bytes)
    : key_(request.key),
      journal_(request.run_directory / "journal"),
      log_(request.run_directory / "worker.log"),
      max_log_bytes_(max_log_bytes),
      process_(process),
      origin_(origin),
      process_descriptor_(OpenProcess(process)),
      offset_(request.journal_offset) {
  // What an earlier daemon started may be long gone; its pid may be another's now.
  if (origin == Origin::kAdopted && !process_descriptor_.is_open() &&
      StartTicks(process.pid) != process.start_ticks) {
    KillGroupLeftIn(request.run_directory, process);
    has_exited_ = true;
  }
}

bool WorkerRun::Advance(WorkerListener& listener, int64_t now_ms) {
  // The process first: what it wrote before its end is then read.
  LookAfterProcess();
  CutLog(now_ms);
  const bool is_drained = Drain(listener, now_ms);
  if (!has_exited_ || !is_drained) return false;
  if (has_incomplete_tail_) {
    LogWarning("journal ends in a torn or damaged event",
               {{"run", NameOf(key_)}, {"offset", offset_}});
  }
  return true;
}

// Once a second, and at the end: what a worker writes in between may stand above the limit.
void WorkerRun::CutLog(int64_t now_ms) {
  constexpr int64_t kIntervalMs = 1'000;
  if (!has_exited_ && now_ms < log_cut_at_ms_) return;
  log_cut_at_ms_ = now_ms + kIntervalMs;
  const Status cut = LimitLog(log_, max_log_bytes_);
  if (cut.ok()) return;
  constexpr int64_t kLongMs = 3'600'000;
  log_cut_at_ms_ = now_ms + kLongMs;
  LogWarning("log not cut", {{"run", NameOf(key_)}, {"error", cut.ToString()}});
}

void WorkerRun::LookAfterProcess() {
  if (has_exited_) return;
  if (process_descriptor_.is_open()) {
    if (IsReadable(process_descriptor_.get())) NoteExit();
    return;
  }
  // Without descriptors for processes. A child stays a zombie until NoteExit.
  if (StartTicks(process_.pid) != process_.start_ticks) NoteExit();
}

void WorkerRun::NoteExit() {
  // What the worker left behind goes with it. As long as the worker is not reaped, nobody else can
  // have its group's number.
  KillGroup(process_);
  siginfo_t info{};
  int result = -1;
  if (process_descriptor_.is_open()) {
    result =
        ::waitid(P_PIDFD, static_cast<id_t>(process_descriptor_.get()), &info, WEXITED | WNOHANG);
  } else if (origin_ == Origin::kStarted) {
    result = ::waitid(P_PID, static_cast<id_t>(process_.pid), &info, WEXITED | WNOHANG);
  }
  if (result == 0 && info.si_pid != 0) exit_status_ = ToExitStatus(info);
  process_descriptor_.Close();
  has_exited_ = true;
}

bool WorkerRun::Drain(WorkerListener& listener, int64_t now_ms) {
  if (now_ms < retry_at_ms_) return false;
  while (true) {
    const auto chunk = ReadJournal(journal_, offset_);
    if (!chunk.ok()) {
      const Code code = chunk.status().code();
      if (code == Code::kNotFound) return true;
      if (code != Code::kOutOfRange) return RetryLater(chunk.status(), now_ms);
      LogError("journal is shorter than it was", {{"run", NameOf(key_)}, {"offset", offset_}});
      return true;
    }
    has_incomplete_tail_ = chunk->has_incomplete_tail;
    if (chunk->payloads.empty()) return true;
    const Status status = listener.OnEvents(key_, offset_, ToBatch(*chunk, key_));
    if (!status.ok()) return RetryLater(status, now_ms);
    offset_ = chunk->next_offset;
    retry_at_ms_ = 0;
    num_failures_ = 0;
  }
}

bool WorkerRun::RetryLater(const Status& status, int64_t now_ms) {
  constexpr int64_t kFirstDelayMs = 100;
  constexpr int kMaxDoublings = 8;
  if (num_failures_ == 0) {
    LogWarning("run events are not taken, trying again",
               {{"run", NameOf(key_)}, {"error", status.ToString()}});
  }
  retry_at_ms_ = now_ms + (kFirstDelayMs << std::min(num_failures_, kMaxDoublings));
  ++num_failures_;
  return false;
}

}  // namespace distill::server
