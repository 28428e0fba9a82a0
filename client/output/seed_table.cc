#include "client/output/seed_table.h"

#include <array>
#include <cmath>
#include <map>
#include <string>

#include "client/output/job_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using RowFigure = std::optional<double> ResultRow::*;

struct FigureColumn {
  const char* title;
  RowFigure figure;
};
constexpr std::array<FigureColumn, 6> kFigureColumns = {
    FigureColumn{"VAL ACC", &ResultRow::val_accuracy},
    FigureColumn{"VAL MPA", &ResultRow::val_mpa},
    FigureColumn{"TEST ACC", &ResultRow::test_accuracy},
    FigureColumn{"TEST MPA", &ResultRow::test_mpa},
    FigureColumn{"TTA ACC", &ResultRow::tta_accuracy},
    FigureColumn{"TTA MPA", &ResultRow::tta_mpa}};

struct SeedSet {
  std::string name;
  std::vector<const ResultRow*> rows;
};

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

std::vector<SeedSet> SetsOf(const std::vector<v1::Job>& jobs, const std::vector<ResultRow>& rows) {
  std::map<std::string, const v1::Job*> by_id;
  for (const v1::Job& job : jobs) by_id[job.id()] = &job;
  std::vector<SeedSet> sets;
  std::map<std::string, size_t> place_of;
  for (const ResultRow& row : rows) {
    const v1::Job& job = *by_id.at(row.id);
    const auto [place, is_new] = place_of.emplace(KeyOf(job), sets.size());
    if (is_new) sets.push_back({NameOf(job), {}});
    sets[place->second].rows.push_back(&row);
  }
  return sets;
}

// The cells of one figure: mean and deviation.
std::array<std::string, 2> Spread(const SeedSet& set, RowFigure figure) {
  constexpr int kDigits = 4;
  double sum = 0;
  double count = 0;
  for (const ResultRow* row : set.rows) {
    if (!(row->*figure)) continue;
    sum += *(row->*figure);
    ++count;
  }
  if (count == 0) return {"-", "-"};
  const double mean = sum / count;
  if (count == 1) return {FixedText(mean, kDigits), "-"};
  double squares = 0;
  for (const ResultRow* row : set.rows) {
    if (row->*figure) squares += std::pow(*(row->*figure) - mean, 2);
  }
  return {FixedText(mean, kDigits), FixedText(std::sqrt(squares / (count - 1)), kDigits)};
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

std::vector<std::string> CellsOf(const SeedSet& set, bool is_split) {
  const ResultRow& first = *set.rows.front();
  std::vector<std::string> cells = {set.name, first.model,
                                    first.method.empty() ? "-" : first.method,
                                    std::to_string(set.rows.size())};
  for (const FigureColumn& column : kFigureColumns) {
    const auto [mean, deviation] = Spread(set, column.figure);
    if (is_split) {
      cells.insert(cells.end(), {mean, deviation});
    } else {
      cells.push_back(mean == "-" ? mean : mean + " ± " + deviation);
    }
  }
  return cells;
}

}  // namespace

TextTable SeedTable(const std::vector<v1::Job>& jobs, const std::vector<ResultRow>& rows,
                    bool is_split) {
  TextTable table(Columns(is_split));
  for (const SeedSet& set : SetsOf(jobs, rows)) table.AddRow(CellsOf(set, is_split));
  return table;
}

}  // namespace distill::client
