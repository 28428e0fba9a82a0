#include "server/app/store_watch.h"

#include <string>

#include "core/base/log.h"

namespace distill::server {

void StoreWatch::OnWrite(std::string_view database, std::chrono::nanoseconds duration, Code code) {
  next_.OnWrite(database, duration, code);
  std::atomic<bool>& is_full = is_full_.at(database == "control" ? 0 : 1);
  const std::string part = "disk of " + std::string(database);
  if (code == Code::kResourceExhausted && !is_full.exchange(true)) {
    const std::string trouble =
        "the disk is full, nothing can be stored; free space and all goes on by itself";
    LogError("disk full", {{"database", database}});
    health_.Set(part, trouble);
  } else if (code == Code::kOk && is_full.exchange(false)) {
    LogInfo("disk no longer full", {{"database", database}});
    health_.Set(part, "");
  }
}

void StoreWatch::OnDamage(std::string_view database, const std::string& message) {
  next_.OnDamage(database, message);
  health_.Set(database, message);
}

}  // namespace distill::server
