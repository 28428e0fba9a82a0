#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::server {

/// Takes one notification to where it belongs.
class NotificationSender {
 public:
  virtual ~NotificationSender() = default;

  /// A word for figures and the log: "hook", "webhook".
  virtual std::string_view name() const = 0;

  /// Delivers `json`. Blocks, for no longer than a time-out of its own, and returns soon after
  /// `is_stopping` has become true.
  /// kUnavailable: not now, worth another try; any other failure is for good.
  virtual Status Send(const std::string& json, const std::atomic<bool>& is_stopping) = 0;
};

/// Sees what became of notifications, for figures. Thread-safe, quick.
class NotificationObserver {
 public:
  enum class Fate { kSent, kFailed, kDropped };
  virtual ~NotificationObserver() = default;
  virtual void OnNotification(std::string_view sender, Fate fate) = 0;
};

}  // namespace distill::server
