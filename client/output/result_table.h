#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/output/text_table.h"
#include "distill/v1/eval.pb.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// The figures of one training job, as the reference document tabulates them.
struct ResultRow {
  std::string id;
  std::string job;
  std::string model;
  std::string method;  // "" for plain training
  int depth = 0;       // 1 = student of the row above with depth 0, and so on
  std::optional<double> val_accuracy, val_mpa;
  std::optional<double> test_accuracy, test_mpa;
  std::optional<double> tta_accuracy, tta_mpa;
};

/// Puts the jobs in order (students under their teachers, else as given) and takes for each figure
/// the newest of `evaluations` of that job's `checkpoint`, on the job's own data set.
/// `evaluations`: any number of them, of these jobs or of others. Jobs that do not train are left
/// out.
std::vector<ResultRow> ComposeResults(const std::vector<v1::Job>& jobs,
                                      const std::vector<v1::Evaluation>& evaluations,
                                      v1::CheckpointKind checkpoint);

/// Returns the rows as text: four digits after the point, "-" where there is no figure. Students
/// are set in under their teachers when `is_indented`; programs that read the table want names
/// only.
TextTable ResultTable(const std::vector<ResultRow>& rows, bool is_indented = true);

/// Returns one row for each evaluation, with its overall figures.
TextTable EvaluationTable(const std::vector<v1::Evaluation>& evaluations);

/// Returns one row for each class of each evaluation.
TextTable ClassTable(const std::vector<v1::Evaluation>& evaluations);

/// Returns the confusion matrix of one evaluation: a row for each true class, a column for each
/// predicted class. REQUIRES: confusion().size() is classes().size() squared.
TextTable ConfusionTable(const v1::Evaluation& evaluation);

}  // namespace distill::client
