#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/output/result_table.h"
#include "client/output/text_table.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// A figure over the seeds that have it.
struct SeedFigure {
  int seeds = 0;
  std::optional<double> mean;
  std::optional<double> deviation;  // of the sample (n - 1); none of one seed
};

/// Jobs that differ in nothing but seed and name, one for each seed.
struct SeedRow {
  std::string name;  // of its first job, less the "-seed0" of `train --seeds`
  std::string model;
  std::string method;  // "" for plain training
  std::vector<std::string> jobs;
  std::vector<int64_t> seeds;         // of `jobs`
  std::array<SeedFigure, 6> figures;  // in the order of SeedTable
  std::vector<std::string> left_out;  // of each job whose seed was there already, which and why
};

/// Returns the sets of `jobs`. Of jobs with one seed the first that has figures counts. `rows`: of
/// ComposeResults() for `jobs`.
std::vector<SeedRow> SummarizeSeeds(const std::vector<v1::Job>& jobs,
                                    const std::vector<ResultRow>& rows);

/// Returns a row for each set: number of seeds, means and deviations; "-" for what there is none
/// of. `is_split`: mean and deviation in columns of their own, for programs.
TextTable SeedTable(const std::vector<SeedRow>& rows, bool is_split);

/// Returns the same as JSON: {"rows": [{"jobs", "seeds", "figures": {"test_accuracy": {"mean",
/// "deviation", "seeds"}}, ...}]}; null for what there is none of.
std::string SeedJson(const std::vector<SeedRow>& rows);

}  // namespace distill::client
