#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>

#include "client/artifact_download.h"
#include "client/command/commands.h"
#include "client/output/lineage_text.h"
#include "client/output/message_json.h"

namespace distill::client {
namespace {

constexpr char kLineageArtifact[] = "lineage.json";
constexpr int64_t kMaxLineageBytes = int64_t{16} << 20;
constexpr size_t kMaxSteps = 100;

// Returns what the newest run of a job was made from. kNotFound: it left nothing.
Result<v1::Lineage> FetchLineage(const CommandContext& context, const std::string& job) {
  DISTILL_ASSIGN_OR_RETURN(
      const std::string json,
      DownloadToMemory(context.client(), {job, kLineageArtifact, kMaxLineageBytes},
                       context.Limits()));
  v1::Lineage lineage;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer worker's
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &lineage, options);
  if (!parsed.ok()) {
    return Status(Code::kDataLoss,
                  std::string(kLineageArtifact) + ": " + std::string(parsed.message()));
  }
  return lineage;
}

Result<LineageStep> FetchStep(const CommandContext& context, const std::string& job) {
  LineageStep step;
  DISTILL_ASSIGN_OR_RETURN(step.job, context.client().GetJob(job));
  DISTILL_ASSIGN_OR_RETURN(const v1::ListArtifactsResponse artifacts,
                           context.client().ListArtifacts(step.job.id()));
  step.artifacts.assign(artifacts.artifacts().begin(), artifacts.artifacts().end());
  Result<v1::Lineage> lineage = FetchLineage(context, step.job.id());
  if (lineage.ok()) {
    step.lineage = *std::move(lineage);
  } else if (lineage.status().code() == Code::kNotFound) {
    step.reason = "none: it has not started, or an older version ran it";
  } else {
    return lineage.status();
  }
  return step;
}

std::vector<std::string> JobsBehind(const v1::Lineage& lineage) {
  std::vector<std::string> jobs;
  const auto add = [&](const v1::LineageFile& file) {
    if (!file.job().empty()) jobs.push_back(file.job());
  };
  add(lineage.evaluated_weights());
  add(lineage.initial_weights());
  for (const v1::LineageFile& teacher : lineage.teachers()) add(teacher);
  return jobs;
}

// Returns the run of `job` and, behind it, all that it rests on.
Result<std::vector<LineageStep>> FetchChain(const CommandContext& context, const std::string& job) {
  std::vector<LineageStep> steps;
  DISTILL_ASSIGN_OR_RETURN(LineageStep first, FetchStep(context, job));
  std::vector<std::string> seen = {first.job.id()};
  steps.push_back(std::move(first));
  for (size_t i = 0; i < steps.size() && steps.size() < kMaxSteps; ++i) {
    for (const std::string& behind : JobsBehind(steps[i].lineage)) {
      if (std::find(seen.begin(), seen.end(), behind) != seen.end()) continue;
      seen.push_back(behind);
      Result<LineageStep> step = FetchStep(context, behind);
      if (step.ok()) {
        steps.push_back(*std::move(step));
      } else if (step.status().code() == Code::kNotFound) {
        context.Note("job " + behind + " has been deleted: its own lineage is gone with it");
      } else {
        return step.status();
      }
    }
  }
  return steps;
}

}  // namespace

ExitCode ShowLineage(const CommandContext& context, const std::string& job) {
  const auto steps = FetchChain(context, job);
  if (!steps.ok()) return context.Fail(steps.status());
  if (context.is_json()) {
    v1::LineageChain chain;
    for (const LineageStep& step : *steps) *chain.add_runs() = step.lineage;
    context.out() << ToJson(chain);
    return ExitCode::kOk;
  }
  for (size_t i = 0; i < steps->size(); ++i) {
    context.out() << (i == 0 ? "" : "\n") << LineageText(*steps, i);
  }
  return ExitCode::kOk;
}

}  // namespace distill::client
