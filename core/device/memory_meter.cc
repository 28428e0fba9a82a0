#include "core/device/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace distill::core {
namespace {

// The type of totals differs between versions of LibTorch.
template <typename Member>
struct TotalOf;
template <typename Class, typename Total>
struct TotalOf<void (Class::*)(void*, int64_t, Total, Total, c10::Device)> {
  using Type = Total;
};
using Total = TotalOf<decltype(&c10::MemoryReportingInfoBase::reportMemoryUsage)>::Type;

}  // namespace

class MemoryMeter::Counter final : public c10::MemoryReportingInfoBase {
 public:
  // Sizes that are freed are negative.
  void reportMemoryUsage(void* /*pointer*/, int64_t size, Total /*allocated*/, Total /*reserved*/,
                         c10::Device /*device*/) override {
    live_bytes_ += size;
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t live_bytes() const { return live_bytes_; }

 private:
  int64_t live_bytes_ = 0;
};

class MemoryMeter::Scope {
 public:
  explicit Scope(std::shared_ptr<Counter> counter)
      : guard_(c10::DebugInfoKind::PROFILER_STATE, std::move(counter)) {}

 private:
  c10::DebugInfoGuard guard_;
};

MemoryMeter::MemoryMeter()
    : counter_(std::make_shared<Counter>()), scope_(std::make_unique<Scope>(counter_)) {}

MemoryMeter::~MemoryMeter() = default;

int64_t MemoryMeter::live_bytes() const { return counter_->live_bytes(); }

}  // namespace distill::core
