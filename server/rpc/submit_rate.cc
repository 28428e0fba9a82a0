#include "server/rpc/submit_rate.h"

#include <algorithm>
#include <cmath>

namespace distill::server {
namespace {

constexpr double kMillisPerMinute = 60'000;
constexpr double kMillisPerSecond = 1'000;
constexpr size_t kManyUsers = 1'000;

}  // namespace

double SubmitRate::Filled(const Allowance& allowance, int64_t now_ms) const {
  const auto limit = static_cast<double>(jobs_per_minute_);
  const auto elapsed = static_cast<double>(now_ms - allowance.at_ms);
  return std::min(limit, allowance.jobs + elapsed * limit / kMillisPerMinute);
}

void SubmitRate::ForgetFull(int64_t now_ms) {
  const auto limit = static_cast<double>(jobs_per_minute_);
  for (auto entry = allowances_.begin(); entry != allowances_.end();) {
    entry = Filled(entry->second, now_ms) >= limit ? allowances_.erase(entry) : std::next(entry);
  }
}

Status SubmitRate::Take(const std::string& user, int64_t num_jobs) {
  if (jobs_per_minute_ == 0) return {};
  const auto wanted = static_cast<double>(num_jobs);
  const auto limit = static_cast<double>(jobs_per_minute_);
  const std::string rule = "at most " + std::to_string(jobs_per_minute_) +
                           " new jobs a minute for each user (max_submits_per_minute)";
  if (wanted > limit) {
    return {Code::kResourceExhausted, rule + ": " + std::to_string(num_jobs) + " at once"};
  }
  const int64_t now_ms = clock_.MonotonicMillis();
  const MutexLock lock(mutex_);
  if (allowances_.size() > kManyUsers) ForgetFull(now_ms);
  const auto known = allowances_.find(user);
  const double jobs = known == allowances_.end() ? limit : Filled(known->second, now_ms);
  if (jobs < wanted) {
    const double wait_ms = (wanted - jobs) * kMillisPerMinute / limit;
    return {Code::kResourceExhausted,
            rule + ": try again in " +
                std::to_string(static_cast<int64_t>(std::ceil(wait_ms / kMillisPerSecond))) + " s"};
  }
  allowances_[user] = {jobs - wanted, now_ms};
  return {};
}

}  // namespace distill::server
