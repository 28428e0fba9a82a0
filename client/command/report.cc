#include <google/protobuf/util/json_util.h>

#include <map>
#include <tuple>
#include <utility>

#include "client/artifact_download.h"
#include "client/command/commands.h"
#include "client/command/train_jobs.h"
#include "client/enum_text.h"
#include "client/output/quantity_text.h"
#include "client/report/page.h"
#include "core/base/durable_file.h"

namespace distill::client {
namespace {

constexpr int64_t kMaxPicturesBytes = int64_t{16} << 20;

// Returns the wrong pictures that an evaluation recorded; nullopt when it recorded none, as one of
// an older worker, or when its job or its files have been deleted.
Result<std::optional<v1::WrongPredictions>> FetchWrong(const CommandContext& context,
                                                       const v1::Evaluation& evaluation) {
  const std::string name = "wrong-" + EnumText(*v1::Split_descriptor(), evaluation.pass().split()) +
                           (evaluation.pass().tta() ? "-tta" : "") + ".json";
  const auto json = DownloadToMemory(
      context.client(), {evaluation.eval_job(), name, kMaxPicturesBytes}, context.Limits());
  if (json.status().code() == Code::kNotFound || json.status().code() == Code::kDataLoss) {
    return std::optional<v1::WrongPredictions>();
  }
  if (!json.ok()) return json.status();
  v1::WrongPredictions wrong;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer worker's
  const auto parsed = google::protobuf::util::JsonStringToMessage(*json, &wrong, options);
  if (!parsed.ok()) return Status(Code::kDataLoss, name + ": " + std::string(parsed.message()));
  return std::optional<v1::WrongPredictions>(std::move(wrong));
}

// Returns the newest evaluation of each split, with and without ten crops, of the best checkpoint.
Result<std::vector<JobReport::Evaluation>> FetchEvaluations(const CommandContext& context,
                                                            const v1::Job& job) {
  v1::ListEvaluationsRequest request;
  request.add_jobs(job.id());
  request.set_full(true);
  DISTILL_ASSIGN_OR_RETURN(v1::ListEvaluationsResponse response,
                           context.client().ListEvaluations(request));
  std::map<std::pair<int, bool>, v1::Evaluation> newest;  // the answer is oldest first
  for (v1::Evaluation& evaluation : *response.mutable_evaluations()) {
    if (evaluation.model_job() != job.id() && evaluation.model_job() != job.name()) continue;
    if (evaluation.checkpoint() == v1::CHECKPOINT_KIND_LAST) continue;
    const std::pair key(static_cast<int>(evaluation.pass().split()), evaluation.pass().tta());
    newest[key] = std::move(evaluation);
  }
  std::vector<JobReport::Evaluation> evaluations;
  for (auto& [key, evaluation] : newest) {
    DISTILL_ASSIGN_OR_RETURN(auto wrong, FetchWrong(context, evaluation));
    evaluations.push_back({std::move(evaluation), std::move(wrong)});
  }
  return evaluations;
}

Result<JobReport> FetchJob(const CommandContext& context, v1::Job job) {
  const JobClient& client = context.client();
  JobReport report;
  v1::ListMetricsRequest request;
  request.set_job(job.id());
  DISTILL_ASSIGN_OR_RETURN(const v1::ListMetricsResponse metrics, client.ListMetrics(request));
  report.series.assign(metrics.series().begin(), metrics.series().end());
  DISTILL_ASSIGN_OR_RETURN(const v1::ListArtifactsResponse artifacts,
                           client.ListArtifacts(job.id()));
  report.artifacts.assign(artifacts.artifacts().begin(), artifacts.artifacts().end());
  DISTILL_ASSIGN_OR_RETURN(const v1::ListJobEventsResponse events, client.ListJobEvents(job.id()));
  report.events.assign(events.events().begin(), events.events().end());
  DISTILL_ASSIGN_OR_RETURN(report.evaluations, FetchEvaluations(context, job));
  auto dataset = client.GetDataset(job.train().dataset());
  if (dataset.ok()) {
    report.dataset = *std::move(dataset);
  } else if (dataset.status().code() != Code::kNotFound) {
    return dataset.status();
  }
  report.job = std::move(job);
  return report;
}

Result<Report> FetchReport(const CommandContext& context, const std::vector<std::string>& names) {
  Report report;
  DISTILL_ASSIGN_OR_RETURN(std::vector<v1::Job> jobs, NamedTrainJobs(context, names));
  for (v1::Job& job : jobs) {
    DISTILL_ASSIGN_OR_RETURN(JobReport of_job, FetchJob(context, std::move(job)));
    report.jobs.push_back(std::move(of_job));
  }
  DISTILL_ASSIGN_OR_RETURN(report.server_info, context.client().GetServerInfo());
  report.server = context.server();
  report.client_version = ClientVersion();
  report.made_at_unix_ms = context.environment().now_unix_ms();
  return report;
}

}  // namespace

ExitCode WriteReport(const CommandContext& context, const ReportOptions& options) {
  const auto report = FetchReport(context, options.jobs);
  if (!report.ok()) return context.Fail(report.status());
  const std::string page = ReportPage(*report);
  const Status written = ReplaceFile(options.file, page, FileAccess::kUmask);
  if (!written.ok()) return context.FailWith(ExitCode::kError, written.message());
  context.out() << options.file << "  " << BytesText(static_cast<int64_t>(page.size())) << '\n';
  return ExitCode::kOk;
}

}  // namespace distill::client
