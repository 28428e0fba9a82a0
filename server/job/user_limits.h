#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/job/scheduler.h"

namespace distill::server {

/// What users, groups of users and groups of jobs have, against what they may have: part of the
/// scheduler. Thread-compatible. The snapshot must outlive it.
class UserLimits {
 public:
  explicit UserLimits(const SchedulerSnapshot& snapshot);

  /// Says which limit on running jobs keeps `job` from starting, if one does.
  std::optional<WaitingReason> ExplainJobs(const JobSnapshot& job) const;

  /// Returns whether the owner of `job` may have as many devices more as it needs.
  bool MayTakeMore(const JobSnapshot& job) const;

  /// Says which limit on devices keeps `job` from starting. REQUIRES: !MayTakeMore(job).
  WaitingReason ExplainDevices(const JobSnapshot& job) const;

  /// Takes in that `job` starts on `devices`.
  void Note(const JobSnapshot& job, const std::vector<std::string>& devices);

 private:
  struct Usage {
    std::set<JobId> jobs;
    std::set<std::string> devices;
  };
  using JobGroup = std::pair<std::string, std::string>;  // owner and name

  // The first limit that is reached: whose, which option sets it, how much, and who holds them.
  struct Reached {
    WaitingRule rule;
    std::string whose;
    std::string option;
    int limit;
    const Usage* usage;
  };
  std::optional<Reached> DeviceLimit(const JobSnapshot& job) const;
  std::optional<Reached> JobLimit(const JobSnapshot& job) const;
  const Usage& UsageOf(const std::string& owner) const;

  const SchedulerPolicy& policy_;
  std::map<std::string, Usage> users_;
  std::map<std::string, std::vector<size_t>> groups_of_;  // by user, places in the policy
  std::vector<Usage> user_groups_;
  std::map<JobGroup, std::set<JobId>> job_groups_;
};

}  // namespace distill::server
