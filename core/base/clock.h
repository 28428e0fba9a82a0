#pragma once

#include <cstdint>

namespace distill {

/// Tells the time. Thread-safe. Tests replace it by a clock that they advance.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Returns wall-clock milliseconds since 1970-01-01 UTC. May jump.
  virtual int64_t UnixMillis() const = 0;

  /// Returns milliseconds since an unspecified start. Never goes back.
  virtual int64_t MonotonicMillis() const = 0;
};

/// Returns the machine's clock.
const Clock& SystemClock();

}  // namespace distill
