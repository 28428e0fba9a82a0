#include <map>
#include <sstream>

#include "client/command/commands.h"
#include "client/command/model_job_names.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/output/result_table.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

void PrintField(std::ostream& out, const std::string& name, const std::string& value) {
  constexpr size_t kWidth = 12;
  if (value.empty()) return;
  out << name << std::string(kWidth - std::min(kWidth - 1, name.size()), ' ') << OneLine(value)
      << '\n';
}

std::string Indented(const std::string& text) {
  std::istringstream lines(text);
  std::string indented;
  for (std::string line; std::getline(lines, line);) indented += "  " + line + "\n";
  return indented;
}

void PrintAttempts(const CommandContext& context, const v1::Job& job) {
  if (job.attempts().empty()) return;
  const int64_t now = context.environment().now_unix_ms();
  TextTable table({{"ATTEMPT", Align::kRight},
                   {"STATE"},
                   {"DEVICE"},
                   {"STARTED"},
                   {"TOOK", Align::kRight},
                   {"FROM EPOCH", Align::kRight},
                   {"MESSAGE"}});
  for (const v1::Attempt& attempt : job.attempts()) {
    const int64_t end = attempt.finished_at_unix_ms() == 0 ? now : attempt.finished_at_unix_ms();
    table.AddRow({std::to_string(attempt.number()),
                  StateText(attempt.state()) +
                      (attempt.cause() == v1::CAUSE_UNSPECIFIED ? "" : " ") +
                      CauseText(attempt.cause()),
                  DevicesText(attempt.devices()), TimeText(attempt.started_at_unix_ms()),
                  AgeText(attempt.started_at_unix_ms(), end),
                  std::to_string(attempt.resumed_from_epoch()), attempt.message()});
  }
  context.out() << '\n';
  table.Print(context.out());
}

void PrintMetrics(const CommandContext& context, const v1::Job& job) {
  if (job.latest_metrics().empty()) return;
  TextTable table({{"METRIC"}, {"LATEST", Align::kRight}, {"AT BEST EPOCH", Align::kRight}});
  const std::map<std::string, double> sorted(job.latest_metrics().begin(),
                                             job.latest_metrics().end());
  for (const auto& [name, value] : sorted) {
    const auto best = job.best_metrics().find(name);
    table.AddRow({name, NumberText(value),
                  best == job.best_metrics().end() ? "-" : NumberText(best->second)});
  }
  context.out() << '\n';
  table.Print(context.out());
}

std::string LabelsText(const v1::Job& job) {
  const std::map<std::string, std::string> sorted(job.labels().begin(), job.labels().end());
  std::string text;
  for (const auto& [key, value] : sorted) {
    if (!text.empty()) text += ", ";
    text.append(key).append("=").append(value);
  }
  return text;
}

void PrintHead(const CommandContext& context, const v1::Job& job) {
  std::ostream& out = context.out();
  PrintField(out, "name", job.name());
  PrintField(out, "id", job.id());
  PrintField(out, "owner", job.owner());
  PrintField(out, "what", SummaryText(job));
  out << "state       " << context.Colored(job.state(), StateText(job.state()));
  if (job.cause() != v1::CAUSE_UNSPECIFIED) out << ' ' << CauseText(job.cause());
  out << '\n';
  if (job.stalled_since_unix_ms() != 0) {
    PrintField(
        out, "stalled",
        "its worker lives, but has told nothing since " + TimeText(job.stalled_since_unix_ms()));
  }
  PrintField(out, "message", job.message());
  PrintField(out, "actor", job.actor());
  PrintField(out, "labels", LabelsText(job));
  PrintField(out, "priority", std::to_string(job.priority()));
  if (job.has_resources()) PrintField(out, "device", job.resources().device());
  if (job.resources().devices() > 1) {
    PrintField(out, "needs", std::to_string(job.resources().devices()) + " devices of one kind");
  }
  if (!job.devices().empty()) PrintField(out, "devices", DevicesText(job.devices()));
  PrintField(out, "created", TimeText(job.created_at_unix_ms()));
  PrintField(out, "started", TimeText(job.started_at_unix_ms()));
  PrintField(out, "finished", TimeText(job.finished_at_unix_ms()));
  if (job.has_progress()) {
    constexpr size_t kMargin = 12;
    const Environment& environment = context.environment();
    const size_t width =
        environment.out_is_terminal ? environment.terminal_width - kMargin : std::string::npos;
    PrintField(out, "progress", ProgressLine(job, environment.now_unix_ms(), width));
  }
  std::string needed;
  for (const std::string& name : job.depends_on()) needed += (needed.empty() ? "" : ", ") + name;
  PrintField(out, "depends on", needed);
}

// Classes by the hundred are for programs.
void DropClassLists(google::protobuf::RepeatedPtrField<v1::Teacher>& teachers) {
  for (v1::Teacher& teacher : teachers) {
    teacher.clear_class_names();
    teacher.clear_class_map();
    teacher.clear_class_outputs();
  }
}

void PrintSpec(const CommandContext& context, const v1::Job& job) {
  if (job.has_train()) {
    v1::TrainJob spec = TrainSpec(job);
    if (spec.has_distillation()) {
      DropClassLists(*spec.mutable_distillation()->mutable_teachers());
    }
    context.out() << "\nspec\n" << Indented(ToShortJson(spec));
  }
  if (job.has_eval()) {
    v1::EvalJob spec = EvalSpec(job);
    DropClassLists(*spec.mutable_teachers());
    context.out() << "\nspec\n" << Indented(ToShortJson(spec));
  }
}

}  // namespace

ExitCode Show(const CommandContext& context, const std::string& name) {
  const auto job = context.client().GetJob(name);
  if (!job.ok()) return context.Fail(job.status());
  if (context.is_json()) {
    context.out() << ToJson(*job);
    return ExitCode::kOk;
  }
  v1::ListEvaluationsRequest request;
  request.add_jobs(job->id());
  const auto evaluations = context.client().ListEvaluations(request);
  if (!evaluations.ok()) return context.Fail(evaluations.status());

  PrintHead(context, *job);
  PrintAttempts(context, *job);
  PrintMetrics(context, *job);
  if (!evaluations->evaluations().empty()) {
    std::vector<v1::Evaluation> named(evaluations->evaluations().begin(),
                                      evaluations->evaluations().end());
    NameModelJobs(context, named);
    context.out() << '\n';
    EvaluationTable(named).Print(context.out());
  }
  PrintSpec(context, *job);
  return ExitCode::kOk;
}

}  // namespace distill::client
