#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "client/command/commands.h"
#include "client/output/curve_plot.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/output/tensorboard_file.h"
#include "core/base/durable_file.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

struct ValueRange {
  double low = 0;
  double high = 0;
};

// Returns the range of the finite values.
ValueRange RangeOf(const v1::MetricSeries& series) {
  ValueRange range;
  bool is_first = true;
  for (const v1::MetricPoint& point : series.points()) {
    if (!std::isfinite(point.value())) continue;
    range.low = is_first ? point.value() : std::min(range.low, point.value());
    range.high = is_first ? point.value() : std::max(range.high, point.value());
    is_first = false;
  }
  return range;
}

// Returns the course of a series in at most `width` characters.
std::string Sparkline(const v1::MetricSeries& series, int width) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const int count = std::min(width, series.points_size());
  const ValueRange range = RangeOf(series);
  std::string line;
  for (int column = 0; column < count; ++column) {
    const int index = column * series.points_size() / count;
    const double value = series.points(index).value();
    if (!std::isfinite(value)) {
      line += "!";
      continue;
    }
    const double share =
        range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5;
    line += kBars[std::clamp(static_cast<int>(share * 8), 0, 7)];
  }
  return line;
}

void PrintSummary(const CommandContext& context, const v1::ListMetricsResponse& response) {
  constexpr int kSparklineWidth = 24;
  TextTable table({{"METRIC"},
                   {"POINTS", Align::kRight},
                   {"FIRST", Align::kRight},
                   {"LAST", Align::kRight},
                   {"MIN", Align::kRight},
                   {"MAX", Align::kRight},
                   {"COURSE"}});
  for (const v1::MetricSeries& series : response.series()) {
    if (series.points().empty()) continue;
    const ValueRange range = RangeOf(series);
    table.AddRow(
        {series.name(), std::to_string(series.points_size()), NumberText(series.points(0).value()),
         NumberText(series.points(series.points_size() - 1).value()), NumberText(range.low),
         NumberText(range.high), Sparkline(series, kSparklineWidth)});
  }
  table.Print(context.out());
}

void PrintPoints(const CommandContext& context, const v1::ListMetricsResponse& response) {
  TextTable table({{"name"}, {"epoch"}, {"step"}, {"value"}, {"at_unix_ms"}, {"attempt"}});
  for (const v1::MetricSeries& series : response.series()) {
    for (const v1::MetricPoint& point : series.points()) {
      table.AddRow({series.name(), std::to_string(point.epoch()), std::to_string(point.step()),
                    ExactText(point.value()), std::to_string(point.at_unix_ms()),
                    std::to_string(point.attempt())});
    }
  }
  table.PrintCsv(context.out());
}

// The curves of one metric, one for each job that has it.
struct Plot {
  std::string name;
  std::vector<Curve> curves;
};

void AddCurves(const std::string& job, const v1::ListMetricsResponse& response,
               std::vector<Plot>& plots) {
  for (const v1::MetricSeries& series : response.series()) {
    if (series.points().empty()) continue;
    auto plot = std::find_if(plots.begin(), plots.end(),
                             [&](const Plot& other) { return other.name == series.name(); });
    if (plot == plots.end()) plot = plots.insert(plots.end(), Plot{series.name(), {}});
    Curve& curve = plot->curves.emplace_back();
    curve.label = job;
    for (const v1::MetricPoint& point : series.points()) {
      curve.points.push_back({static_cast<double>(point.epoch()), point.value()});
    }
  }
}

Result<v1::ListMetricsResponse> Fetch(const CommandContext& context, const std::string& job,
                                      const std::vector<std::string>& names) {
  v1::ListMetricsRequest request;
  request.set_job(job);
  for (const std::string& name : names) request.add_names(name);
  return context.client().ListMetrics(request);
}

bool HasPoints(const v1::ListMetricsResponse& metrics, const std::string& name) {
  return std::any_of(metrics.series().begin(), metrics.series().end(),
                     [&](const v1::MetricSeries& series) {
                       return series.name() == name && !series.points().empty();
                     });
}

// Says which of the wanted metrics the job does not have, and which it has.
ExitCode NoteUnknownNames(const CommandContext& context, const std::string& job,
                          const std::vector<std::string>& wanted,
                          const v1::ListMetricsResponse& found) {
  std::string missing;
  for (const std::string& name : wanted) {
    if (!HasPoints(found, name)) missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return ExitCode::kOk;
  const auto all = Fetch(context, job, {});
  if (!all.ok()) return context.Fail(all.status());
  std::string known;
  for (const v1::MetricSeries& series : all->series()) {
    if (!series.points().empty()) known += (known.empty() ? "" : ", ") + series.name();
  }
  context.Note("no points of " + OneLine(missing) + " (yet); " +
               (known.empty() ? "the job has none of anything" : "there are: " + OneLine(known)));
  return ExitCode::kOk;
}

ExitCode PrintPlots(const CommandContext& context, const MetricOptions& options) {
  std::vector<Plot> plots;
  for (const std::string& job : options.jobs) {
    const auto response = Fetch(context, job, options.names);
    if (!response.ok()) return context.Fail(response.status());
    AddCurves(job, *response, plots);
  }
  if (plots.empty()) context.Note("no points yet");
  PlotStyle style;
  style.is_ascii = options.is_ascii;
  style.has_color = context.has_color();
  // A picture in a file or a pipe must not depend on the window that it was made in.
  if (context.environment().out_is_terminal) style.width = context.environment().terminal_width;
  for (size_t index = 0; index < plots.size(); ++index) {
    if (index > 0) context.out() << '\n';
    PrintPlot(plots[index].name, "epoch", plots[index].curves, style, context.out());
  }
  return ExitCode::kOk;
}

// The folder of a job's events is its name, by which TensorBoard shows it. A server that sends
// anything but a name must not choose where files are written.
std::string FolderName(const v1::Job& job) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  const std::string& name = job.name();
  const bool is_name =
      !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), is_plain);
  return is_name ? name : "job";
}

Status WriteEvents(const CommandContext& context, const std::string& name,
                   const MetricOptions& options) {
  constexpr int64_t kMillisPerSecond = 1000;
  DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().GetJob(name));
  DISTILL_ASSIGN_OR_RETURN(const v1::ListMetricsResponse metrics,
                           Fetch(context, job.id(), options.names));
  const auto folder = std::filesystem::path(options.folder) / FolderName(job);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return AsLocalFault(ErrnoStatus("make folder " + folder.string(), error.value()));
  // The same name each time: an older file of the job is replaced by one that begins with it.
  const int64_t created_at = job.created_at_unix_ms();
  const auto file = folder / ("events.out.tfevents." +
                              std::to_string(created_at / kMillisPerSecond) + ".distillctl");
  const std::vector<v1::MetricSeries> series(metrics.series().begin(), metrics.series().end());
  DISTILL_RETURN_IF_ERROR(
      AsLocalFault(ReplaceFile(file, TensorBoardFile(series, created_at), FileAccess::kUmask)));
  context.out() << file.string() << '\n';
  return {};
}

ExitCode WriteEventFiles(const CommandContext& context, const MetricOptions& options) {
  for (const std::string& job : options.jobs) {
    const Status status = WriteEvents(context, job, options);
    if (!status.ok()) return context.Fail(status);
  }
  return ExitCode::kOk;
}

}  // namespace

ExitCode Metrics(const CommandContext& context, const MetricOptions& options) {
  if (options.format == MetricFormat::kPlot && !context.is_json()) {
    return PrintPlots(context, options);
  }
  if (options.format == MetricFormat::kTensorBoard) return WriteEventFiles(context, options);
  if (options.jobs.size() > 1) {
    return context.FailWith(ExitCode::kUsage,
                            "more than one job can only be drawn or written: add --plot or "
                            "--tensorboard, or name one job");
  }
  const auto response = Fetch(context, options.jobs.front(), options.names);
  if (!response.ok()) return context.Fail(response.status());
  if (options.format == MetricFormat::kJson || context.is_json()) {
    context.out() << ToJson(*response);
  } else if (options.format == MetricFormat::kCsv) {
    PrintPoints(context, *response);
  } else {
    PrintSummary(context, *response);
  }
  return NoteUnknownNames(context, options.jobs.front(), options.names, *response);
}

}  // namespace distill::client
