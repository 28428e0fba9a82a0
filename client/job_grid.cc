#include "client/job_grid.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "client/field_path.h"

namespace distill::client {
namespace {

Status GridError(const std::string& message) { return {Code::kInvalidArgument, message}; }

bool MayBeInName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// Returns "-lr1e-3", of characters that a name may have.
std::string Suffix(const GridAxis& axis, const std::string& value) {
  std::string suffix = "-" + axis.name.substr(axis.name.rfind('.') + 1) + value;
  std::replace_if(
      suffix.begin(), suffix.end(), [](char c) { return !MayBeInName(c); }, '_');
  return suffix;
}

Status SetAxis(const GridAxis& axis, const std::string& value, v1::Job& job) {
  const Status status = SetField(job, axis.path, value);
  if (!status.ok()) {
    return GridError("--grid " + axis.name + status.message().substr(axis.path.size()));
  }
  job.set_name(job.name() + Suffix(axis, value));
  (*job.mutable_labels())[axis.name] = value;
  return {};
}

Status CheckNames(const std::vector<v1::Job>& jobs) {
  constexpr size_t kMaxName = 63;
  std::set<std::string> names;
  for (const v1::Job& job : jobs) {
    if (job.name().size() > kMaxName) {
      return GridError(
          "--grid: a job's name would be longer than 63 characters, give a shorter "
          "--name: " +
          job.name());
    }
    if (!names.insert(job.name()).second) {
      return GridError("--grid: two jobs would have one name: " + job.name());
    }
  }
  return {};
}

}  // namespace

Result<GridAxis> ParseGridAxis(const std::string& text) {
  const size_t split = text.find('=');
  if (split == std::string::npos || split == 0 || split + 1 == text.size()) {
    return GridError("--grid: KEY=VALUE,VALUE... is needed, not '" + text + "'");
  }
  GridAxis axis{text.substr(0, split), "", {}};
  std::istringstream values(text.substr(split + 1));
  std::set<std::string> seen;
  for (std::string value; std::getline(values, value, ',');) {
    if (value.empty() || !seen.insert(value).second) {
      return GridError("--grid " + axis.name + ": each value is needed once, not '" + value + "'");
    }
    axis.values.push_back(value);
  }
  axis.flag = "--grid " + axis.name;
  return axis;
}

Status CheckAxes(const std::vector<GridAxis>& axes, const std::vector<FlagSetting>& settings) {
  std::map<std::string, std::string> flag_of;  // by path
  for (const FlagSetting& setting : settings) flag_of.emplace(setting.path, setting.flag);
  for (const GridAxis& axis : axes) {
    const auto [other, is_new] = flag_of.emplace(axis.path, axis.flag);
    if (!is_new) {
      return GridError(other->second + " and " + axis.flag + " both set " + axis.path +
                       ": leave one of them out");
    }
  }
  return {};
}

Result<std::vector<v1::Job>> ExpandGrid(const v1::Job& base, const std::string& stem,
                                        const std::vector<GridAxis>& axes) {
  constexpr size_t kMaxJobs = 1000;
  v1::Job first = base;
  first.set_name(stem);
  if (first.group().empty()) first.set_group(stem);
  std::vector<v1::Job> jobs = {first};
  for (const GridAxis& axis : axes) {
    if (jobs.size() * axis.values.size() > kMaxJobs) {
      return GridError("--grid: more than 1000 combinations");
    }
    std::vector<v1::Job> wider;
    for (const v1::Job& job : jobs) {
      for (const std::string& value : axis.values) {
        wider.push_back(job);
        DISTILL_RETURN_IF_ERROR(SetAxis(axis, value, wider.back()));
      }
    }
    jobs = std::move(wider);
  }
  DISTILL_RETURN_IF_ERROR(CheckNames(jobs));
  return jobs;
}

}  // namespace distill::client
