#pragma once

#include <chrono>
#include <cstdint>

namespace distill::core {

/// Counts things against the clock, from its making on. Owned by one thread.
class RateMeter {
 public:
  void Add(int64_t count) { count_ += count; }

  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  /// Returns things per second since the start; 0 before any time has passed.
  double OverAll() const {
    const double elapsed = seconds();
    return elapsed > 0 ? static_cast<double>(count_) / elapsed : 0;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  int64_t count_ = 0;
};

}  // namespace distill::core
