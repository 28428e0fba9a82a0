#include "server/job/usage_history.h"

#include <algorithm>
#include <cmath>

namespace distill::server {

double DecayedSeconds(int64_t from_unix_ms, int64_t to_unix_ms, int64_t now_unix_ms,
                      std::chrono::milliseconds half_life) {
  constexpr double kMillisPerSecond = 1000.0;
  const int64_t to = std::min(to_unix_ms, now_unix_ms);
  if (to <= from_unix_ms) return 0;
  const double rate = std::log(2.0) / static_cast<double>(half_life.count());
  const auto age_of_start = static_cast<double>(now_unix_ms - from_unix_ms);
  const auto age_of_end = static_cast<double>(now_unix_ms - to);
  // The integral of exp(-rate * age) over the stretch.
  return (std::exp(-rate * age_of_end) - std::exp(-rate * age_of_start)) / rate / kMillisPerSecond;
}

double UsageHistory::Decayed(const User& user, int64_t now_unix_ms) const {
  const auto age = static_cast<double>(std::max<int64_t>(now_unix_ms - user.at_unix_ms, 0));
  return user.seconds * std::exp2(-age / static_cast<double>(half_life_.count()));
}

void UsageHistory::Add(const DeviceUsage& usage, int64_t now_unix_ms) {
  const int64_t finished = std::min(usage.finished_at_unix_ms, now_unix_ms);
  User& user = users_[usage.owner];
  const int64_t at = std::max(std::min(user.at_unix_ms, now_unix_ms), finished);
  user.seconds =
      Decayed(user, at) + DecayedSeconds(usage.started_at_unix_ms, finished, at, half_life_);
  user.at_unix_ms = at;
  int64_t& last = user.last_uses[usage.device];
  last = std::max(std::min(last, now_unix_ms), finished);
}

int64_t UsageHistory::NewestOf(const std::string& owner) const {
  const auto found = users_.find(owner);
  return found == users_.end() ? 0 : found->second.at_unix_ms;
}

double UsageHistory::SecondsOf(const std::string& owner, int64_t now_unix_ms) const {
  const auto found = users_.find(owner);
  return found == users_.end() ? 0 : Decayed(found->second, now_unix_ms);
}

std::map<std::string, int64_t> UsageHistory::LastUses(const std::string& owner) const {
  const auto found = users_.find(owner);
  return found == users_.end() ? std::map<std::string, int64_t>() : found->second.last_uses;
}

}  // namespace distill::server
