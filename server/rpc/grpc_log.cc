#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mutex.h"

namespace distill::server {
namespace {

constexpr int kLinesPerMinute = 10;
constexpr int64_t kMinuteMs = 60'000;

// Counts what was said in the minute under way. Thread-safe.
class Minute {
 public:
  /// Returns whether one more line may be written, and sets `unsaid` to how many the minute before
  /// kept back.
  bool TakeLine(int64_t now_ms, int& unsaid) {
    const MutexLock lock(mutex_);
    unsaid = 0;
    if (started_ms_ == 0 || now_ms - started_ms_ >= kMinuteMs) {
      unsaid = count_ > kLinesPerMinute ? count_ - kLinesPerMinute : 0;
      started_ms_ = now_ms;
      count_ = 0;
    }
    return ++count_ <= kLinesPerMinute;
  }

 private:
  Mutex mutex_;
  int64_t started_ms_ GUARDED_BY(mutex_) = 0;
  int count_ GUARDED_BY(mutex_) = 0;
};

// Who is told of a listener that is lost. Thread-safe.
class LossWatch {
 public:
  void Set(std::function<void()> on_lost) {
    const MutexLock lock(mutex_);
    on_lost_ = std::move(on_lost);
  }

  void Tell() {
    const MutexLock lock(mutex_);
    if (on_lost_) on_lost_();
  }

 private:
  Mutex mutex_;
  std::function<void()> on_lost_ GUARDED_BY(mutex_);
};

LossWatch& Losses() {
  static LossWatch watch;
  return watch;
}

void Write(gpr_log_func_args* line) {
  if (std::strstr(line->message, "Failed accept4") != nullptr) {
    LogError("gRPC takes no connections any more", {{"message", line->message}});
    Losses().Tell();
    return;
  }
  static Minute minute;
  int unsaid = 0;
  if (!minute.TakeLine(SystemClock().MonotonicMillis(), unsaid)) return;
  if (unsaid > 0) LogWarning("gRPC said more", {{"lines", unsaid}});
  LogWarning("gRPC", {{"message", line->message}});
}

}  // namespace

void TakeOverGrpcLog(std::function<void()> on_listener_lost) {
  Losses().Set(std::move(on_listener_lost));
  gpr_set_log_function(&Write);
}

}  // namespace distill::server
