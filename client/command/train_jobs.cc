#include "client/command/train_jobs.h"

#include <utility>

#include "client/output/job_text.h"

namespace distill::client {

Result<std::vector<v1::Job>> NamedTrainJobs(const CommandContext& context,
                                            const std::vector<std::string>& names) {
  std::vector<v1::Job> jobs;
  for (const std::string& name : names) {
    DISTILL_ASSIGN_OR_RETURN(v1::Job job, context.client().GetJob(name));
    if (job.has_eval() && !EvalSpec(job).job().empty()) {
      DISTILL_ASSIGN_OR_RETURN(job, context.client().GetJob(EvalSpec(job).job()));
    }
    bool is_new = true;
    for (const v1::Job& known : jobs) is_new = is_new && known.id() != job.id();
    if (is_new) jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace distill::client
