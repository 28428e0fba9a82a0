#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <string>

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

void Write(gpr_log_func_args* line) {
  static Minute minute;
  int unsaid = 0;
  if (!minute.TakeLine(SystemClock().MonotonicMillis(), unsaid)) return;
  if (unsaid > 0) LogWarning("gRPC said more", {{"lines", unsaid}});
  LogWarning("gRPC", {{"message", line->message}});
}

}  // namespace

void TakeOverGrpcLog() { gpr_set_log_function(&Write); }

}  // namespace distill::server
