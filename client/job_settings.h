#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// Applies "path=value" settings to all jobs that they concern: "train." and "eval." paths to jobs
/// of that kind, paths into `ema`, `rdrop` or `distillation` only to jobs that have it (a setting
/// never switches these on).
/// kInvalidArgument: no such field, a value that does not fit, or a setting that concerns no job.
Status ApplySettings(const std::vector<std::string>& settings, std::vector<v1::Job>& jobs);

/// Keeps the jobs whose names match one of `patterns`, shell patterns as "resnet20*", in order.
/// kInvalidArgument: a pattern that no name matches; the message gives it.
Status SelectJobs(const std::vector<std::string>& patterns, std::vector<v1::Job>& jobs);

/// Puts `prefix` before the names of all jobs, and before the names by which they name each other.
void PrefixNames(const std::string& prefix, std::vector<v1::Job>& jobs);

}  // namespace distill::client
