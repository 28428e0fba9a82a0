#include "server/rpc/job_veil.h"

namespace distill::server {

bool JobVeil::Hides(JobId job) {
  if (!hides_) return false;
  const auto [entry, is_new] = is_hidden_.try_emplace(job, true);
  if (!is_new) return entry->second;
  const Result<JobRecord> record = store_.FindJob(job);
  entry->second = !record.ok() || HidesJobsOf(record->spec.owner);
  return entry->second;
}

std::string JobVeil::Print(const Sentence& sentence) {
  if (!hides_) return sentence.Plain();
  return sentence.Print(
      [this](JobId job) { return Hides(job) ? "a job of another member" : JobText(job); });
}

}  // namespace distill::server
