#include "client/report/job_section.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "client/enum_text.h"
#include "client/output/html_text.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/report/evaluation_section.h"

namespace distill::client {
namespace {

// Lines of a list of facts; a fact without a value is left out.
class Facts {
 public:
  Facts& Add(const std::string& name, const std::string& value) {
    if (value.empty()) return *this;
    html_ += "<tr><th>" + HtmlText(name) + "</th><td>" + HtmlText(value) + "</td></tr>\n";
    return *this;
  }
  std::string Html() const {
    return "<div class=\"scroll\"><table class=\"facts\">" + html_ + "</table></div>\n";
  }

 private:
  std::string html_;
};

std::string SplitSizes(const v1::Dataset& dataset) {
  std::string text;
  for (const v1::SplitCounts& split : dataset.splits()) {
    text += (text.empty() ? "" : ", ") + EnumText(*v1::Split_descriptor(), split.split()) + " " +
            std::to_string(split.images());
  }
  return text.empty() ? "" : text + " images";
}

std::string NumbersText(const google::protobuf::RepeatedField<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += (text.empty() ? "" : " ") + NumberText(number);
  return text;
}

std::string InitialWeightsText(const v1::Job& job) {
  const v1::InitialWeights& given = job.train().initial_weights();
  const v1::InitialWeights& used = TrainSpec(job).initial_weights();
  if (!used.job().empty()) return "best checkpoint of job " + used.job();
  if (given.pretrained()) return "published ImageNet weights " + used.file();
  if (!used.file().empty()) return "file " + used.file();
  return "random";
}

// The teacher as it was named, and as it was resolved.
std::string TeacherText(const v1::Job& job) {
  if (!TrainSpec(job).has_distillation()) return "none";
  const std::string given = TeacherOf(job.train());
  const std::string used = TeacherOf(TrainSpec(job));
  return given.empty() || given == used ? used : given + " (id " + used + ")";
}

std::string AttemptsText(const v1::Job& job) {
  std::string text;
  for (const v1::Attempt& attempt : job.attempts()) {
    text += (text.empty() ? "" : "; ") + std::to_string(attempt.number()) + ": " +
            StateText(attempt.state()) + " on " + DevicesText(attempt.devices());
    if (attempt.resumed_from_epoch() > 0) {
      text += " from epoch " + std::to_string(attempt.resumed_from_epoch());
    }
  }
  return text;
}

std::string TookText(const v1::Job& job) {
  const int64_t ms = job.finished_at_unix_ms() - job.started_at_unix_ms();
  if (job.started_at_unix_ms() == 0 || ms < 0) return "";
  return DurationText(std::chrono::seconds(ms / 1000));
}

// A fact that the evaluating worker recorded beside the wrong pictures.
std::string RecordedFact(const JobReport& job, const std::string& name) {
  for (const JobReport::Evaluation& evaluation : job.evaluations) {
    if (!evaluation.wrong) continue;
    const auto found = evaluation.wrong->facts().find(name);
    if (found != evaluation.wrong->facts().end()) return found->second;
  }
  return "";
}

std::string BestModelText(const JobReport& job) {
  const v1::Artifact* best = nullptr;
  for (const v1::Artifact& artifact : job.artifacts) {
    const bool is_newer = best == nullptr || artifact.attempt() >= best->attempt();
    if (artifact.name() == "best.safetensors" && is_newer) best = &artifact;
  }
  return best == nullptr ? "" : "best.safetensors, SHA-256 " + best->sha256();
}

void AddDataset(const JobReport& job, Facts& facts) {
  facts.Add("data set", TrainSpec(job.job).dataset());
  if (!job.dataset) {
    facts.Add("data set's manifest, SHA-256", RecordedFact(job, "manifest_sha256"));
    return;
  }
  facts.Add("data set's manifest, SHA-256", job.dataset->manifest_sha256())
      .Add("splits", SplitSizes(*job.dataset))
      .Add("classes", std::to_string(job.dataset->class_names_size()))
      .Add("mean of training images", NumbersText(job.dataset->mean()))
      .Add("deviation of training images", NumbersText(job.dataset->std()));
}

std::string Lineage(const JobReport& job, const Report& report) {
  const v1::TrainJob& spec = TrainSpec(job.job);
  Facts facts;
  facts.Add("job", job.job.name() + " (id " + job.job.id() + ")")
      .Add("owner", job.job.owner())
      .Add("state", StateText(job.job.state()) + " " + CauseText(job.job.cause()))
      .Add("message", job.job.message())
      .Add("created", TimeText(job.job.created_at_unix_ms()))
      .Add("took", TookText(job.job))
      .Add("attempts", AttemptsText(job.job));
  AddDataset(job, facts);
  facts.Add("initial weights", InitialWeightsText(job.job))
      .Add("teacher", TeacherText(job.job))
      .Add("seed", std::to_string(spec.seed()))
      .Add("model", BestModelText(job))
      .Add("distilld", report.server_info.version())
      .Add("worker of the evaluation", RecordedFact(job, "worker"))
      .Add("LibTorch of the evaluation", RecordedFact(job, "libtorch"));
  return "<h4>Lineage</h4>\n" + facts.Html() + "<details><summary>Spec as resolved</summary><pre>" +
         HtmlText(ToJson(spec)) + "</pre></details>\n";
}

// What its runs told that is to be looked at, once where several runs told it.
std::string Warnings(const JobReport& job) {
  std::set<std::string> told;
  std::string html;
  for (const v1::JobEvent& event : job.events) {
    if (event.level() != v1::EVENT_LEVEL_WARNING || !told.insert(event.message()).second) continue;
    html += "<li>" + HtmlText(event.message()) + "</li>\n";
  }
  return html.empty() ? "" : "<h4>Warnings</h4>\n<ul>\n" + html + "</ul>\n";
}

}  // namespace

std::string JobHtml(const JobReport& job, const Report& report) {
  const std::string method = MethodText(TrainSpec(job.job));
  std::string html = "<section class=\"job\" id=\"job-" + HtmlText(job.job.id()) + "\"><h3>" +
                     HtmlText(job.job.name()) + " <small>" + HtmlText(TrainSpec(job.job).model()) +
                     (method.empty() ? "" : ", " + HtmlText(method)) + "</small></h3>\n" +
                     Warnings(job) + Lineage(job, report);
  if (job.evaluations.empty()) html += "<p class=\"note\">Not evaluated yet.</p>\n";
  for (const JobReport::Evaluation& evaluation : job.evaluations) {
    html += EvaluationHtml(evaluation);
  }
  return html + "</section>\n";
}

}  // namespace distill::client
