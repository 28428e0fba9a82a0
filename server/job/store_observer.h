#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::server {

/// Sees the transactions of a store, and what is found wrong with it. Thread-safe.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;

  /// A transaction that writes to `database` ("control" or "metrics") took `duration`, waiting for
  /// its turn included, and ended with `code` (kAborted: refused for what was asked, not for a
  /// failure of the database). Called from the thread that wrote: must be quick.
  virtual void OnWrite(std::string_view database, std::chrono::nanoseconds duration, Code code) = 0;

  /// A search that ran beside the service found `database` damaged: it is read-only from now on.
  /// `message` says what to do.
  virtual void OnDamage(std::string_view /*database*/, const std::string& /*message*/) {}
};

}  // namespace distill::server
