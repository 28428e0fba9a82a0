#include "client/output/result_table.h"

#include <algorithm>
#include <array>
#include <set>

#include "client/enum_text.h"
#include "client/output/job_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

bool Names(const std::string& text, const v1::Job& job) {
  return !text.empty() && (text == job.id() || text == job.name());
}

std::string Figure(const std::optional<double>& value, int digits = 4) {
  return value ? FixedText(*value, digits) : "-";
}

std::optional<double> Metric(const v1::Evaluation& evaluation, const std::string& name) {
  const auto found = evaluation.metrics().find(name);
  if (found == evaluation.metrics().end()) return std::nullopt;
  return found->second;
}

bool IsOf(const v1::Evaluation& evaluation, const v1::Job& job, v1::CheckpointKind checkpoint) {
  const bool has_other_data = !evaluation.dataset().empty() &&
                              evaluation.dataset() != TrainSpec(job).dataset() &&
                              evaluation.dataset() != job.train().dataset();
  const bool has_other_weights = evaluation.checkpoint() != v1::CHECKPOINT_KIND_UNSPECIFIED &&
                                 evaluation.checkpoint() != checkpoint;
  return Names(evaluation.model_job(), job) && !has_other_data && !has_other_weights;
}

// Returns the newest evaluation of a job on a split; nullptr for none.
const v1::Evaluation* Newest(const std::vector<const v1::Evaluation*>& of_job, v1::Split split,
                             bool tta) {
  const v1::Evaluation* newest = nullptr;
  for (const v1::Evaluation* evaluation : of_job) {
    if (evaluation->pass().split() != split || evaluation->pass().tta() != tta) continue;
    if (newest == nullptr || evaluation->finished_at_unix_ms() >= newest->finished_at_unix_ms()) {
      newest = evaluation;
    }
  }
  return newest;
}

void Fill(const v1::Evaluation* evaluation, std::optional<double>& accuracy,
          std::optional<double>& mpa) {
  if (evaluation == nullptr) return;
  accuracy = Metric(*evaluation, "accuracy");
  mpa = Metric(*evaluation, "mpa");
}

// The jobs of a table and who is whose student.
class Family {
 public:
  explicit Family(const std::vector<v1::Job>& jobs) {
    for (const v1::Job& job : jobs) {
      if (job.has_train()) jobs_.push_back(&job);
    }
  }

  // Calls `visit(job, depth)` for each job once, teachers before their students.
  template <typename Visit>
  void Walk(Visit visit) {
    for (const v1::Job* job : jobs_) {
      if (TeacherIn(*job) == nullptr) WalkFrom(*job, 0, visit);
    }
    // What is left only if two jobs teach each other, which no server accepts.
    for (const v1::Job* job : jobs_) WalkFrom(*job, 0, visit);
  }

 private:
  const v1::Job* TeacherIn(const v1::Job& student) const {
    const auto is_teacher = [&](const v1::Job* job) {
      return job != &student && (Names(TeacherOf(student.train()), *job) ||
                                 Names(TeacherOf(TrainSpec(student)), *job));
    };
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), is_teacher);
    return found == jobs_.end() ? nullptr : *found;
  }

  template <typename Visit>
  void WalkFrom(const v1::Job& job, int depth, Visit& visit) {
    if (!visited_.insert(&job).second) return;
    visit(job, depth);
    for (const v1::Job* student : jobs_) {
      if (TeacherIn(*student) == &job) WalkFrom(*student, depth + 1, visit);
    }
  }

  std::vector<const v1::Job*> jobs_;
  std::set<const v1::Job*> visited_;
};

std::string SourceText(const v1::Evaluation& evaluation) {
  return evaluation.model_job().empty() ? evaluation.model_file() : evaluation.model_job();
}

std::string SplitText(const v1::EvalPass& pass) {
  return EnumText(*v1::Split_descriptor(), pass.split()) + (pass.tta() ? " tta" : "");
}

}  // namespace

std::vector<ResultRow> ComposeResults(const std::vector<v1::Job>& jobs,
                                      const std::vector<v1::Evaluation>& evaluations,
                                      v1::CheckpointKind checkpoint) {
  std::vector<ResultRow> rows;
  Family(jobs).Walk([&](const v1::Job& job, int depth) {
    std::vector<const v1::Evaluation*> of_job;
    for (const v1::Evaluation& evaluation : evaluations) {
      if (IsOf(evaluation, job, checkpoint)) of_job.push_back(&evaluation);
    }
    ResultRow row;
    row.id = job.id();
    row.job = job.name();
    row.model = job.train().model();
    row.method = MethodText(job.train());
    row.depth = depth;
    Fill(Newest(of_job, v1::SPLIT_VAL, false), row.val_accuracy, row.val_mpa);
    Fill(Newest(of_job, v1::SPLIT_TEST, false), row.test_accuracy, row.test_mpa);
    Fill(Newest(of_job, v1::SPLIT_TEST, true), row.tta_accuracy, row.tta_mpa);
    rows.push_back(std::move(row));
  });
  return rows;
}

TextTable ResultTable(const std::vector<ResultRow>& rows, bool is_indented) {
  TextTable table({{"JOB"},
                   {"MODEL"},
                   {"METHOD"},
                   {"VAL ACC", Align::kRight},
                   {"VAL MPA", Align::kRight},
                   {"TEST ACC", Align::kRight},
                   {"TEST MPA", Align::kRight},
                   {"TTA ACC", Align::kRight},
                   {"TTA MPA", Align::kRight}});
  for (const ResultRow& row : rows) {
    const std::string indentation(is_indented ? static_cast<size_t>(2 * row.depth) : 0, ' ');
    table.AddRow({indentation + row.job, row.model, row.method.empty() ? "-" : row.method,
                  Figure(row.val_accuracy), Figure(row.val_mpa), Figure(row.test_accuracy),
                  Figure(row.test_mpa), Figure(row.tta_accuracy), Figure(row.tta_mpa)});
  }
  return table;
}

TextTable EvaluationTable(const std::vector<v1::Evaluation>& evaluations) {
  struct FigureColumn {
    const char* heading;
    const char* metric;
    int digits = 4;
  };
  std::vector<FigureColumn> figures = {{"ACC", "accuracy"},
                                       {"MPA", "mpa"},
                                       {"TOP5", "top5_accuracy"},
                                       {"LOSS", "loss"},
                                       {"ECE", "ece"},
                                       {"KAPPA", "kappa"},
                                       {"F1", "f1_macro"},
                                       {"IMAGES/S", "images_per_second", 0}};
  const bool has_teachers =
      std::any_of(evaluations.begin(), evaluations.end(), [](const v1::Evaluation& evaluation) {
        return evaluation.metrics().count("teacher_agreement") != 0;
      });
  if (has_teachers) {
    figures.push_back({"TEACHER ACC", "teacher_accuracy"});
    figures.push_back({"AGREEMENT", "teacher_agreement"});
    figures.push_back({"TEACHER KL", "teacher_kl"});
  }
  std::vector<TextTable::Column> columns = {
      {"MODEL OF"}, {"CHECKPOINT"}, {"DATASET"}, {"SPLIT"}, {"IMAGES", Align::kRight}};
  for (const FigureColumn& figure : figures) columns.push_back({figure.heading, Align::kRight});
  TextTable table(std::move(columns));
  for (const v1::Evaluation& evaluation : evaluations) {
    const bool has_kind = evaluation.checkpoint() != v1::CHECKPOINT_KIND_UNSPECIFIED;
    std::vector<std::string> cells = {
        SourceText(evaluation),
        has_kind ? EnumText(*v1::CheckpointKind_descriptor(), evaluation.checkpoint()) : "-",
        evaluation.dataset(), SplitText(evaluation.pass()), std::to_string(evaluation.images())};
    for (const FigureColumn& figure : figures) {
      cells.push_back(Figure(Metric(evaluation, figure.metric), figure.digits));
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

TextTable ClassTable(const std::vector<v1::Evaluation>& evaluations) {
  TextTable table({{"MODEL OF"},
                   {"SPLIT"},
                   {"CLASS"},
                   {"IMAGES", Align::kRight},
                   {"PRECISION", Align::kRight},
                   {"RECALL", Align::kRight},
                   {"F1", Align::kRight}});
  for (const v1::Evaluation& evaluation : evaluations) {
    for (const v1::ClassFigures& figures : evaluation.classes()) {
      table.AddRow({SourceText(evaluation), SplitText(evaluation.pass()), figures.name(),
                    std::to_string(figures.images()), FixedText(figures.precision(), 4),
                    FixedText(figures.recall(), 4), FixedText(figures.f1(), 4)});
    }
  }
  return table;
}

TextTable ConfusionTable(const v1::Evaluation& evaluation) {
  std::vector<TextTable::Column> columns = {{"TRUE"}};
  for (const v1::ClassFigures& figures : evaluation.classes()) {
    columns.push_back({figures.name(), Align::kRight});
  }
  TextTable table(std::move(columns));
  for (int truth = 0; truth < evaluation.classes_size(); ++truth) {
    std::vector<std::string> cells = {evaluation.classes(truth).name()};
    for (int predicted = 0; predicted < evaluation.classes_size(); ++predicted) {
      cells.push_back(
          std::to_string(evaluation.confusion(truth * evaluation.classes_size() + predicted)));
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

}  // namespace distill::client
