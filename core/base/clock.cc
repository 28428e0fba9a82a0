#include "core/base/clock.h"

#include <chrono>

namespace distill {
namespace {

template <typename Source>
int64_t Millis() {
  const auto since_epoch = Source::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

class MachineClock final : public Clock {
 public:
  int64_t UnixMillis() const override { return Millis<std::chrono::system_clock>(); }
  int64_t MonotonicMillis() const override { return Millis<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace distill
