#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/base/clock.h"

namespace distill::testing {

/// A clock that stands still until it is told. Thread-safe.
class FakeClock final : public Clock {
 public:
  int64_t UnixMillis() const override { return unix_ms_; }
  int64_t MonotonicMillis() const override { return unix_ms_; }
  void Advance(std::chrono::milliseconds by) { unix_ms_ += by.count(); }

 private:
  std::atomic<int64_t> unix_ms_{1'700'000'000'000};
};

}  // namespace distill::testing
