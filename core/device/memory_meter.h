#pragma once

#include <cstdint>
#include <memory>

namespace distill::core {

/// Counts the memory of tensors, on any device, that the calling thread allocates and frees while
/// this object lives. One at a time a thread; takes the place of a profiler. Owned by one thread.
class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  /// Returns what was allocated and not yet freed, in bytes.
  int64_t live_bytes() const;

 private:
  class Counter;
  class Scope;
  std::shared_ptr<Counter> counter_;
  std::unique_ptr<Scope> scope_;
};

}  // namespace distill::core
