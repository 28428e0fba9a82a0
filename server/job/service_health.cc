#include "server/job/service_health.h"

#include <utility>

namespace distill::server {

void ServiceHealth::Set(std::string_view part, const std::string& trouble) {
  const MutexLock lock(mutex_);
  const bool was_well = troubles_.empty();
  if (trouble.empty()) {
    const auto found = troubles_.find(part);
    if (found != troubles_.end()) troubles_.erase(found);
  } else {
    troubles_[std::string(part)] = trouble;
  }
  if (callback_ && was_well != troubles_.empty()) callback_(troubles_.empty());
}

std::string ServiceHealth::Trouble() const {
  const MutexLock lock(mutex_);
  std::string text;
  for (const auto& [part, trouble] : troubles_) text += (text.empty() ? "" : "; ") + trouble;
  return text;
}

void ServiceHealth::Watch(Callback callback) {
  const MutexLock lock(mutex_);
  callback_ = std::move(callback);
  if (callback_) callback_(troubles_.empty());
}

}  // namespace distill::server
