#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/mutex.h"

namespace distill::server {

/// What keeps the daemon from doing its whole work, for health checks and for people. Thread-safe.
class ServiceHealth {
 public:
  /// Called when the daemon becomes well or ceases to be; must not call this object.
  using Callback = std::function<void(bool is_well)>;

  /// Notes what ails `part` ("control.db", "disk", …) in a sentence for a person; "" = nothing.
  void Set(std::string_view part, const std::string& trouble) EXCLUDES(mutex_);

  /// Returns all troubles, one line; "" = all is well.
  std::string Trouble() const EXCLUDES(mutex_);

  /// Tells `callback` at once, and from now on at each change; an empty one ends that.
  void Watch(Callback callback) EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string, std::less<>> troubles_ GUARDED_BY(mutex_);
  Callback callback_ GUARDED_BY(mutex_);
};

}  // namespace distill::server
