#pragma once

#include <array>
#include <atomic>

#include "server/job/service_health.h"
#include "server/job/store_observer.h"

namespace distill::server {

/// Turns what happens to the databases into the daemon's health: a full disk until a write succeeds
/// again, damage for good. Passes everything on to another observer. Thread-safe.
class StoreWatch final : public StoreObserver {
 public:
  /// Both must outlive this object.
  StoreWatch(StoreObserver& next, ServiceHealth& health) : next_(next), health_(health) {}

  void OnWrite(std::string_view database, std::chrono::nanoseconds duration, Code code) override;
  void OnDamage(std::string_view database, const std::string& message) override;

 private:
  StoreObserver& next_;
  ServiceHealth& health_;
  std::array<std::atomic<bool>, 2> is_full_{};  // as found by control's and metrics's last write
};

}  // namespace distill::server
