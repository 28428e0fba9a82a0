#include "client/command/commands.h"
#include "client/command/model_job_names.h"
#include "client/command/train_jobs.h"
#include "client/enum_text.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/result_table.h"
#include "client/output/seed_table.h"

namespace distill::client {
namespace {

// Returns all training jobs, oldest first.
Result<std::vector<v1::Job>> AllTrainJobs(const CommandContext& context) {
  DISTILL_ASSIGN_OR_RETURN(const v1::ListJobsResponse response,
                           context.client().ListJobs({}, /*max_jobs=*/0));
  std::vector<v1::Job> jobs;
  for (int index = response.jobs_size() - 1; index >= 0; --index) {
    if (response.jobs(index).has_train()) jobs.push_back(response.jobs(index));
  }
  return jobs;
}

Result<std::vector<v1::Evaluation>> EvaluationsOf(const CommandContext& context,
                                                  const std::vector<v1::Job>& jobs) {
  v1::ListEvaluationsRequest request;
  for (const v1::Job& job : jobs) request.add_jobs(job.id());
  if (request.jobs().empty()) return std::vector<v1::Evaluation>();
  DISTILL_ASSIGN_OR_RETURN(const v1::ListEvaluationsResponse response,
                           context.client().ListEvaluations(request));
  return std::vector<v1::Evaluation>(response.evaluations().begin(), response.evaluations().end());
}

void Print(const CommandContext& context, const TextTable& table, TableFormat format) {
  if (format == TableFormat::kCsv) {
    table.PrintCsv(context.out());
  } else if (format == TableFormat::kMarkdown) {
    table.PrintMarkdown(context.out());
  } else {
    table.Print(context.out());
  }
}

void PrintSeeds(const CommandContext& context, const std::vector<SeedRow>& rows,
                TableFormat format) {
  if (context.is_json()) {
    context.out() << SeedJson(rows);
    return;
  }
  Print(context, SeedTable(rows, format == TableFormat::kCsv), format);
  for (const SeedRow& row : rows) {
    for (const std::string& job : row.left_out) context.Note(OneLine(job));
  }
}

}  // namespace

ExitCode Table(const CommandContext& context, const TableOptions& options) {
  if (options.all == !options.jobs.empty()) {
    return context.FailWith(ExitCode::kUsage, "table: jobs, or --all, are needed");
  }
  const auto checkpoint = ParseEnum(*v1::CheckpointKind_descriptor(), options.checkpoint);
  if (!checkpoint.ok()) {
    return context.FailWith(ExitCode::kUsage, "--checkpoint: " + checkpoint.status().message());
  }
  const auto jobs = options.all ? AllTrainJobs(context) : NamedTrainJobs(context, options.jobs);
  if (!jobs.ok()) return context.Fail(jobs.status());
  const auto evaluations = EvaluationsOf(context, *jobs);
  if (!evaluations.ok()) return context.Fail(evaluations.status());
  if (context.is_json() && !options.over_seeds) {
    v1::ListEvaluationsResponse response;
    for (const v1::Evaluation& evaluation : *evaluations) *response.add_evaluations() = evaluation;
    context.out() << ToJson(response);
    return ExitCode::kOk;
  }
  const auto rows =
      ComposeResults(*jobs, *evaluations, static_cast<v1::CheckpointKind>(*checkpoint));
  const bool is_csv = options.format == TableFormat::kCsv;
  if (options.over_seeds) {
    PrintSeeds(context, SummarizeSeeds(*jobs, rows), options.format);
  } else {
    Print(context, ResultTable(rows, !is_csv), options.format);
  }
  return ExitCode::kOk;
}

ExitCode Evaluations(const CommandContext& context, const EvaluationOptions& options) {
  v1::ListEvaluationsRequest request;
  for (const std::string& job : options.jobs) request.add_jobs(job);
  request.set_full(options.part != EvaluationPart::kOverall || context.is_json());
  const auto response = context.client().ListEvaluations(request);
  if (!response.ok()) return context.Fail(response.status());
  if (context.is_json()) {
    context.out() << ToJson(*response);
    return ExitCode::kOk;
  }
  const TableFormat format = options.csv ? TableFormat::kCsv : TableFormat::kTable;
  std::vector<v1::Evaluation> evaluations(response->evaluations().begin(),
                                          response->evaluations().end());
  NameModelJobs(context, evaluations);
  if (options.part == EvaluationPart::kConfusion) {
    for (const v1::Evaluation& evaluation : evaluations) {
      const int64_t classes = evaluation.classes_size();
      if (evaluation.confusion_size() != classes * classes) {
        context.err() << "no matrix of " << evaluation.eval_job() << " is stored, of " << classes
                      << " classes: see its artifact confusion-<split>.csv\n";
        continue;
      }
      Print(context, ConfusionTable(evaluation), format);
    }
    return ExitCode::kOk;
  }
  const bool by_class = options.part == EvaluationPart::kClasses;
  Print(context, by_class ? ClassTable(evaluations) : EvaluationTable(evaluations), format);
  return ExitCode::kOk;
}

}  // namespace distill::client
