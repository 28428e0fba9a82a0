#pragma once

#include <chrono>
#include <string_view>

#include "core/base/status.h"

namespace distill::server {

/// Sees the transactions of a store, for figures. Thread-safe.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;

  /// A transaction that writes to `database` ("control" or "metrics") took `duration`, waiting for
  /// its turn included, and ended with `code`. Called from the thread that wrote: must be quick.
  virtual void OnWrite(std::string_view database, std::chrono::nanoseconds duration, Code code) = 0;
};

}  // namespace distill::server
