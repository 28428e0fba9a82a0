#include "client/output/seed_table.h"

#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using RowFigure = std::optional<double> ResultRow::*;

struct FigureColumn {
  const char* title;
  const char* name;  // for programs
  RowFigure figure;
};
constexpr std::array<FigureColumn, 6> kFigureColumns = {
    FigureColumn{"VAL ACC", "val_accuracy", &ResultRow::val_accuracy},
    FigureColumn{"VAL MPA", "val_mpa", &ResultRow::val_mpa},
    FigureColumn{"TEST ACC", "test_accuracy", &ResultRow::test_accuracy},
    FigureColumn{"TEST MPA", "test_mpa", &ResultRow::test_mpa},
    FigureColumn{"TTA ACC", "tta_accuracy", &ResultRow::tta_accuracy},
    FigureColumn{"TTA MPA", "tta_mpa", &ResultRow::tta_mpa}};

struct SeedRun {
  const v1::Job* job = nullptr;
  const ResultRow* row = nullptr;
};
// Runs that differ in nothing but seed and name.
using SeedRuns = std::vector<SeedRun>;

// What the jobs of a set have in common.
std::string KeyOf(const v1::Job& job) {
  v1::TrainJob spec = TrainSpec(job);
  spec.clear_seed();
  return job.group() + '\0' + spec.SerializeAsString();
}

// The name less what --seeds and --grid put behind it for the seed.
std::string NameOf(const v1::Job& job) {
  std::string name = job.name();
  const std::string suffix = "-seed" + std::to_string(TrainSpec(job).seed());
  const size_t place = name.find(suffix);
  return place == std::string::npos ? name : name.erase(place, suffix.size());
}

std::vector<SeedRuns> SetsOf(const std::vector<v1::Job>& jobs, const std::vector<ResultRow>& rows) {
  std::map<std::string, const v1::Job*> by_id;
  for (const v1::Job& job : jobs) by_id[job.id()] = &job;
  std::vector<SeedRuns> sets;
  std::map<std::string, size_t> place_of;
  for (const ResultRow& row : rows) {
    const v1::Job& job = *by_id.at(row.id);
    const auto [place, is_new] = place_of.emplace(KeyOf(job), sets.size());
    if (is_new) sets.emplace_back();
    sets[place->second].push_back({&job, &row});
  }
  return sets;
}

bool HasFigures(const ResultRow& row) {
  return std::any_of(kFigureColumns.begin(), kFigureColumns.end(),
                     [&](const FigureColumn& column) { return (row.*column.figure).has_value(); });
}

// Keeps one run of each seed, and says of the others in `left_out` which they are.
SeedRuns OneOfEachSeed(const SeedRuns& runs, std::vector<std::string>& left_out) {
  std::map<int64_t, SeedRun> chosen;
  for (const SeedRun& run : runs) {
    const auto [entry, is_new] = chosen.emplace(TrainSpec(*run.job).seed(), run);
    if (!is_new && !HasFigures(*entry->second.row) && HasFigures(*run.row)) entry->second = run;
  }
  SeedRuns kept;
  for (const SeedRun& run : runs) {
    const int64_t seed = TrainSpec(*run.job).seed();
    const v1::Job& counted = *chosen.at(seed).job;
    if (&counted == run.job) {
      kept.push_back(run);
    } else {
      left_out.push_back(run.job->name() + " (id " + run.job->id() +
                         ") is left out: the same run, seed " + std::to_string(seed) + " too, is " +
                         counted.name() + " (id " + counted.id() + ")");
    }
  }
  return kept;
}

SeedFigure FigureOver(const SeedRuns& runs, RowFigure figure) {
  SeedFigure result;
  double sum = 0;
  for (const SeedRun& run : runs) {
    if (!(run.row->*figure)) continue;
    sum += *(run.row->*figure);
    ++result.seeds;
  }
  if (result.seeds == 0) return result;
  const double mean = sum / result.seeds;
  result.mean = mean;
  if (result.seeds == 1) return result;
  double squares = 0;
  for (const SeedRun& run : runs) {
    if (run.row->*figure) squares += std::pow(*(run.row->*figure) - mean, 2);
  }
  result.deviation = std::sqrt(squares / (result.seeds - 1));
  return result;
}

SeedRow RowOf(const SeedRuns& all) {
  SeedRow row;
  const SeedRuns runs = OneOfEachSeed(all, row.left_out);
  row.name = NameOf(*runs.front().job);
  row.model = runs.front().row->model;
  row.method = runs.front().row->method;
  for (const SeedRun& run : runs) {
    row.jobs.push_back(run.job->name());
    row.seeds.push_back(TrainSpec(*run.job).seed());
  }
  for (size_t index = 0; index < kFigureColumns.size(); ++index) {
    row.figures[index] = FigureOver(runs, kFigureColumns[index].figure);
  }
  return row;
}

std::vector<TextTable::Column> Columns(bool is_split) {
  constexpr auto kRight = TextTable::Align::kRight;
  std::vector<TextTable::Column> columns = {{"JOBS"}, {"MODEL"}, {"METHOD"}, {"SEEDS", kRight}};
  for (const FigureColumn& column : kFigureColumns) {
    columns.push_back({column.title, kRight});
    if (is_split) columns.push_back({std::string(column.title) + " SD", kRight});
  }
  return columns;
}

std::string FigureText(const std::optional<double>& figure) {
  constexpr int kDigits = 4;
  return figure ? FixedText(*figure, kDigits) : "-";
}

std::vector<std::string> CellsOf(const SeedRow& row, bool is_split) {
  std::vector<std::string> cells = {row.name, row.model, row.method.empty() ? "-" : row.method,
                                    std::to_string(row.seeds.size())};
  for (const SeedFigure& figure : row.figures) {
    const std::string mean = FigureText(figure.mean);
    if (is_split) {
      cells.insert(cells.end(), {mean, FigureText(figure.deviation)});
    } else {
      cells.push_back(figure.mean ? mean + " ± " + FigureText(figure.deviation) : mean);
    }
  }
  return cells;
}

using google::protobuf::Struct;
using google::protobuf::Value;

void SetNumber(Struct& object, const char* name, const std::optional<double>& number) {
  Value& value = (*object.mutable_fields())[name];
  if (number) {
    value.set_number_value(*number);
  } else {
    value.set_null_value(google::protobuf::NULL_VALUE);
  }
}

Struct ObjectOf(const SeedRow& row) {
  Struct object;
  auto& fields = *object.mutable_fields();
  fields["name"].set_string_value(row.name);
  fields["model"].set_string_value(row.model);
  fields["method"].set_string_value(row.method);
  auto& jobs = *fields["jobs"].mutable_list_value();
  for (const std::string& job : row.jobs) jobs.add_values()->set_string_value(job);
  auto& seeds = *fields["seeds"].mutable_list_value();
  for (const int64_t seed : row.seeds) {
    seeds.add_values()->set_number_value(static_cast<double>(seed));
  }
  auto& left_out = *fields["left_out"].mutable_list_value();
  for (const std::string& job : row.left_out) left_out.add_values()->set_string_value(job);
  Struct& figures = *fields["figures"].mutable_struct_value();
  for (size_t index = 0; index < kFigureColumns.size(); ++index) {
    const SeedFigure& figure = row.figures[index];
    Struct& entry = *(*figures.mutable_fields())[kFigureColumns[index].name].mutable_struct_value();
    SetNumber(entry, "mean", figure.mean);
    SetNumber(entry, "deviation", figure.deviation);
    SetNumber(entry, "seeds", figure.seeds);
  }
  return object;
}

}  // namespace

std::vector<SeedRow> SummarizeSeeds(const std::vector<v1::Job>& jobs,
                                    const std::vector<ResultRow>& rows) {
  std::vector<SeedRow> summary;
  for (const SeedRuns& runs : SetsOf(jobs, rows)) summary.push_back(RowOf(runs));
  return summary;
}

TextTable SeedTable(const std::vector<SeedRow>& rows, bool is_split) {
  TextTable table(Columns(is_split));
  for (const SeedRow& row : rows) table.AddRow(CellsOf(row, is_split));
  return table;
}

std::string SeedJson(const std::vector<SeedRow>& rows) {
  Struct document;
  auto& list = *(*document.mutable_fields())["rows"].mutable_list_value();
  for (const SeedRow& row : rows) *list.add_values()->mutable_struct_value() = ObjectOf(row);
  return ToJson(document);
}

}  // namespace distill::client
