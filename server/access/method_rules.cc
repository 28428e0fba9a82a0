#include "server/access/method_rules.h"

namespace distill::server {

const std::vector<MethodRule>& MethodRules() {
  static const std::vector<MethodRule> rules = {
      // JobService. ListJobs and ListQueue leave out what their caller may not see.
      {"CreateJob", Rule::kAct},
      {"BatchCreateJobs", Rule::kAct},
      {"GetJob", Rule::kSeeJob},
      {"ExplainJob", Rule::kSeeJob},
      {"ListJobs", Rule::kAnyUser},
      {"ListQueue", Rule::kAnyUser},
      {"CancelJob", Rule::kChangeJob},
      {"PauseJob", Rule::kChangeJob},
      {"ResumeJob", Rule::kChangeJob},
      {"RequeueJob", Rule::kChangeJob},
      {"DeleteJob", Rule::kChangeJob},
      {"WatchJob", Rule::kSeeJob},
      {"ListJobEvents", Rule::kSeeJob},
      {"ListMetrics", Rule::kSeeJob},
      {"TailLogs", Rule::kSeeJob},
      {"ListEvaluations", Rule::kSeeJob},
      {"ListArtifacts", Rule::kSeeJob},
      {"DownloadArtifact", Rule::kSeeJob},
      // DatasetService. Data sets are for all to use.
      {"CreateDataset", Rule::kAct},
      {"GetDataset", Rule::kAnyUser},
      {"ListDatasets", Rule::kAnyUser},
      {"DeleteDataset", Rule::kChangeDataset},
      // ServerService. ListDevices leaves out the names of jobs that its caller may not see.
      {"GetServerInfo", Rule::kAnyUser},
      {"ListDevices", Rule::kAnyUser},
      // UserService.
      {"WhoAmI", Rule::kAnyUser},
  };
  return rules;
}

std::optional<Rule> RuleOf(std::string_view method) {
  for (const MethodRule& entry : MethodRules()) {
    if (entry.method == method) return entry.rule;
  }
  return std::nullopt;
}

}  // namespace distill::server
