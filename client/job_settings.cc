#include "client/job_settings.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "client/field_path.h"

namespace distill::client {
namespace {

bool Concerns(std::string_view path, const v1::Job& job) {
  if (path.starts_with("train.") && !job.has_train()) return false;
  if (path.starts_with("eval.") && !job.has_eval()) return false;
  if (path.starts_with("train.ema.")) return job.train().has_ema();
  if (path.starts_with("train.rdrop.")) return job.train().has_rdrop();
  if (path.starts_with("train.distillation.")) return job.train().has_distillation();
  return true;
}

using Teachers = google::protobuf::RepeatedPtrField<v1::Teacher>;

void AddReferencesIn(Teachers& teachers, std::vector<std::string*>& references) {
  for (v1::Teacher& teacher : teachers) {
    if (teacher.has_job()) references.push_back(teacher.mutable_job());
  }
}

// The places where a job names other ones.
std::vector<std::string*> ReferencesIn(v1::Job& job) {
  std::vector<std::string*> references;
  for (v1::After& after : *job.mutable_after()) references.push_back(after.mutable_job());
  if (job.eval().has_job()) references.push_back(job.mutable_eval()->mutable_job());
  if (job.has_eval()) AddReferencesIn(*job.mutable_eval()->mutable_teachers(), references);
  if (job.train().initial_weights().has_job()) {
    references.push_back(job.mutable_train()->mutable_initial_weights()->mutable_job());
  }
  if (job.train().has_distillation()) {
    AddReferencesIn(*job.mutable_train()->mutable_distillation()->mutable_teachers(), references);
  }
  return references;
}

}  // namespace

Status ApplySettings(const std::vector<std::string>& settings, std::vector<v1::Job>& jobs) {
  for (const std::string& setting : settings) {
    const size_t split = setting.find('=');
    if (split == std::string::npos || split == 0) {
      return {Code::kInvalidArgument, "--set: path=value is needed, not '" + setting + "'"};
    }
    const std::string path = setting.substr(0, split);
    bool concerns_any = false;
    for (v1::Job& job : jobs) {
      if (!Concerns(path, job)) continue;
      concerns_any = true;
      const Status status = SetField(job, path, setting.substr(split + 1));
      if (!status.ok()) return status.WithContext("--set");
    }
    if (!concerns_any) return {Code::kInvalidArgument, "--set: no job has it: " + path};
  }
  return {};
}

Status SelectJobs(const std::vector<std::string>& patterns, std::vector<v1::Job>& jobs) {
  const auto matches = [](const std::string& pattern, const v1::Job& job) {
    return ::fnmatch(pattern.c_str(), job.name().c_str(), 0) == 0;
  };
  for (const std::string& pattern : patterns) {
    const bool has_one = std::any_of(jobs.begin(), jobs.end(),
                                     [&](const v1::Job& job) { return matches(pattern, job); });
    if (!has_one)
      return {Code::kInvalidArgument, "--only: no job of the file is called " + pattern};
  }
  std::erase_if(jobs, [&](const v1::Job& job) {
    return std::none_of(patterns.begin(), patterns.end(),
                        [&](const std::string& pattern) { return matches(pattern, job); });
  });
  return {};
}

void PrefixNames(const std::string& prefix, std::vector<v1::Job>& jobs) {
  std::set<std::string> names;
  for (const v1::Job& job : jobs) names.insert(job.name());
  names.erase("");
  for (v1::Job& job : jobs) {
    if (!job.name().empty()) job.set_name(prefix + job.name());
    for (std::string* reference : ReferencesIn(job)) {
      if (names.count(*reference) != 0) reference->insert(0, prefix);
    }
  }
}

}  // namespace distill::client
