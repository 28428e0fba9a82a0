#include "client/command/model_job_names.h"

#include <map>
#include <string>

namespace distill::client {

void NameModelJobs(const CommandContext& context, std::vector<v1::Evaluation>& evaluations) {
  std::map<std::string, std::string> names;
  for (v1::Evaluation& evaluation : evaluations) {
    const std::string id = evaluation.model_job();
    if (id.empty()) continue;
    if (names.count(id) == 0) {
      const auto job = context.client().GetJob(id);
      names[id] = job.ok() ? job->name() : id;
    }
    evaluation.set_model_job(names[id]);
  }
}

}  // namespace distill::client
