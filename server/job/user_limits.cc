#include "server/job/user_limits.h"

namespace distill::server {
namespace {

bool IsReached(int limit, size_t number) {
  return limit > 0 && number >= static_cast<size_t>(limit);
}

bool WouldExceed(int limit, size_t number, int more) {
  return limit > 0 && number + static_cast<size_t>(more) > static_cast<size_t>(limit);
}

std::string Counted(int number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

}  // namespace

UserLimits::UserLimits(const SchedulerSnapshot& snapshot)
    : policy_(snapshot.policy), user_groups_(snapshot.policy.user_groups.size()) {
  for (size_t i = 0; i < policy_.user_groups.size(); ++i) {
    for (const std::string& user : policy_.user_groups[i].users) groups_of_[user].push_back(i);
  }
  for (const JobSnapshot& job : snapshot.jobs) {
    if (!job.held_devices.empty()) Note(job, job.held_devices);
  }
}

void UserLimits::Note(const JobSnapshot& job, const std::vector<std::string>& devices) {
  const auto count = [&](Usage& usage) {
    usage.jobs.insert(job.id);
    usage.devices.insert(devices.begin(), devices.end());
  };
  count(users_[job.owner]);
  if (const auto groups = groups_of_.find(job.owner); groups != groups_of_.end()) {
    for (const size_t group : groups->second) count(user_groups_[group]);
  }
  if (!job.group.empty()) job_groups_[{job.owner, job.group}].insert(job.id);
}

const UserLimits::Usage& UserLimits::UsageOf(const std::string& owner) const {
  static const Usage none;
  const auto found = users_.find(owner);
  return found == users_.end() ? none : found->second;
}

std::optional<UserLimits::Reached> UserLimits::JobLimit(const JobSnapshot& job) const {
  const Usage& own = UsageOf(job.owner);
  if (IsReached(policy_.max_running_jobs_per_user, own.jobs.size())) {
    return Reached{WaitingRule::kUserLimit, "a user", "max_running_jobs_per_user",
                   policy_.max_running_jobs_per_user, &own};
  }
  const auto groups = groups_of_.find(job.owner);
  if (groups == groups_of_.end()) return std::nullopt;
  for (const size_t index : groups->second) {
    const UserGroup& group = policy_.user_groups[index];
    if (!IsReached(group.max_running_jobs, user_groups_[index].jobs.size())) continue;
    return Reached{WaitingRule::kUserGroupLimit, "the group " + group.name, "user_groups",
                   group.max_running_jobs, &user_groups_[index]};
  }
  return std::nullopt;
}

std::optional<UserLimits::Reached> UserLimits::DeviceLimit(const JobSnapshot& job) const {
  const Usage& own = UsageOf(job.owner);
  if (WouldExceed(policy_.max_devices_per_user, own.devices.size(), job.num_devices)) {
    return Reached{WaitingRule::kUserLimit, "a user", "max_devices_per_user",
                   policy_.max_devices_per_user, &own};
  }
  const auto groups = groups_of_.find(job.owner);
  if (groups == groups_of_.end()) return std::nullopt;
  for (const size_t index : groups->second) {
    const UserGroup& group = policy_.user_groups[index];
    const size_t held = user_groups_[index].devices.size();
    if (!WouldExceed(group.max_devices, held, job.num_devices)) continue;
    return Reached{WaitingRule::kUserGroupLimit, "the group " + group.name, "user_groups",
                   group.max_devices, &user_groups_[index]};
  }
  return std::nullopt;
}

std::optional<WaitingReason> UserLimits::ExplainJobs(const JobSnapshot& job) const {
  WaitingReason reason;
  reason.job = job.id;
  const auto group = job_groups_.find({job.owner, job.group});
  if (!job.group.empty() && group != job_groups_.end() &&
      IsReached(job.max_parallel, group->second.size())) {
    reason.rule = WaitingRule::kMaxParallel;
    reason.holders.assign(group->second.begin(), group->second.end());
    reason.reason = "waits for its turn: " + Counted(job.max_parallel, "job") + " of " + job.group +
                    " may run at a time";
    return reason;
  }
  const auto reached = JobLimit(job);
  if (!reached) return std::nullopt;
  reason.rule = reached->rule;
  reason.holders.assign(reached->usage->jobs.begin(), reached->usage->jobs.end());
  reason.reason = "waits for its turn: " + reached->whose + " may have " +
                  Counted(reached->limit, "running job") + " (" + reached->option + ")";
  return reason;
}

bool UserLimits::MayTakeMore(const JobSnapshot& job) const { return !DeviceLimit(job); }

WaitingReason UserLimits::ExplainDevices(const JobSnapshot& job) const {
  WaitingReason reason;
  reason.job = job.id;
  const auto reached = DeviceLimit(job);
  if (!reached) return reason;
  reason.rule = reached->rule;
  const std::string may_have = reached->whose + " may have " + Counted(reached->limit, "device") +
                               " (" + reached->option + ")";
  if (job.num_devices > reached->limit) {
    reason.is_blocked = true;
    reason.reason = "blocked: needs " + Counted(job.num_devices, "device") + ", and " + may_have;
    return reason;
  }
  reason.holders.assign(reached->usage->jobs.begin(), reached->usage->jobs.end());
  reason.reason = "waits for its turn: " + may_have;
  return reason;
}

}  // namespace distill::server
