#include "client/report/page.h"

#include <algorithm>
#include <sstream>

#include "client/output/html_text.h"
#include "client/output/quantity_text.h"
#include "client/output/result_table.h"
#include "client/report/job_section.h"
#include "client/report/line_chart.h"
#include "client/report/page_style.h"

namespace distill::client {
namespace {

// What one chart shows: series by their names, the second of a pair dashed.
struct ChartPlan {
  const char* title;
  std::vector<std::string> solid;
  std::vector<std::string> dashed;
};

std::vector<ChartPlan> Plans() {
  return {{"Loss (validation; dashed: training)", {"val/loss"}, {"train/loss"}},
          {"Accuracy (validation; dashed: training)", {"val/accuracy"}, {"train/accuracy"}},
          {"Mean accuracy over classes (validation; dashed: training)", {"val/mpa"}, {"train/mpa"}},
          {"Top-5 accuracy (validation)", {"val/top5_accuracy"}, {}},
          {"Learning rate", {"train/learning_rate"}, {}},
          {"Distillation loss (dashed: task loss)", {"train/kd_loss"}, {"train/task_loss"}},
          {"Gradient norm", {"train/gradient_norm"}, {}},
          {"Training images per second", {"train/images_per_second"}, {}}};
}

void AddCurves(const Report& report, const std::vector<std::string>& names, bool is_dashed,
               Chart& chart) {
  for (size_t index = 0; index < report.jobs.size(); ++index) {
    for (const v1::MetricSeries& series : report.jobs[index].series) {
      if (std::find(names.begin(), names.end(), series.name()) == names.end()) continue;
      ChartCurve& curve = chart.curves.emplace_back();
      curve.curve.label = report.jobs[index].job.name() + " " + series.name();
      curve.color = index;
      curve.is_dashed = is_dashed;
      for (const v1::MetricPoint& point : series.points()) {
        curve.curve.points.push_back({static_cast<double>(point.epoch()), point.value()});
      }
    }
  }
}

std::string Charts(const Report& report) {
  std::string html;
  for (const ChartPlan& plan : Plans()) {
    Chart chart;
    chart.title = plan.title;
    chart.x_title = "epoch";
    AddCurves(report, plan.solid, false, chart);
    AddCurves(report, plan.dashed, true, chart);
    if (!chart.curves.empty()) html += ChartHtml(chart);
  }
  if (html.empty()) return "<p class=\"note\">No points yet.</p>\n";
  return "<div class=\"charts\">\n" + html + "</div>\n";
}

std::string Results(const Report& report) {
  std::vector<v1::Job> jobs;
  std::vector<v1::Evaluation> evaluations;
  for (const JobReport& job : report.jobs) {
    jobs.push_back(job.job);
    for (const auto& evaluation : job.evaluations) evaluations.push_back(evaluation.figures);
  }
  std::ostringstream table;
  ResultTable(ComposeResults(jobs, evaluations, v1::CHECKPOINT_KIND_BEST)).PrintHtml(table);
  return "<div class=\"scroll\">" + table.str() + "</div>\n";
}

std::string Title(const Report& report) {
  std::string names;
  for (const JobReport& job : report.jobs) names += (names.empty() ? "" : ", ") + job.job.name();
  return HtmlText(names);
}

}  // namespace

std::string ReportPage(const Report& report) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>" +
      Title(report) + " - distilld report</title>\n<style>\n" + PageStyle() +
      "</style>\n</head>\n<body>\n<header><h1>" + Title(report) + "</h1>\n<p class=\"note\">Made " +
      TimeText(report.made_at_unix_ms) + " by distillctl " + HtmlText(report.client_version) +
      " from distilld " + HtmlText(report.server_info.version()) + " at " +
      HtmlText(report.server) + "</p></header>\n<main>\n<h2>Results</h2>\n" + Results(report) +
      "<h2>Curves</h2>\n" + Charts(report) + "<h2>Jobs</h2>\n";
  for (const JobReport& job : report.jobs) html += JobHtml(job, report);
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace distill::client
