#include "core/worker/eval_run.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "core/eval/evaluator.h"
#include "core/worker/enum_conversion.h"
#include "core/worker/input_roots.h"
#include "core/worker/lineage.h"
#include "core/worker/teacher_conversion.h"
#include "core/worker/wrong_pictures.h"

namespace distill::core {
namespace {

EvaluateOptions ToOptions(const worker::v1::WorkerSpec& spec) {
  const worker::v1::EvalTask& task = spec.eval();
  EvaluateOptions options;
  options.model = task.model();
  options.weights = task.weights();
  options.weights_roots = WeightsRoots(spec, task.model_job());
  options.manifest = task.dataset_manifest();
  options.dataset_roots = DatasetRoots(spec);
  options.device = spec.device();
  options.image_size = task.image_size();
  options.normalization = ToNormalization(task.mean(), task.std());
  options.batch_size = task.job().batch_size();
  options.amp = task.job().amp();
  options.data_threads =
      task.job().data_threads() > 0 ? task.job().data_threads() : std::max(1, spec.num_threads());
  options.time_limit_seconds = task.job().time_limit_seconds();
  for (const worker::v1::ResolvedTeacher& teacher : task.teachers()) {
    options.teachers.push_back(ToTeacherOptions(teacher, spec));
  }
  options.teachers_may_lack = task.teachers_are_default();
  for (const v1::EvalPass& pass : task.job().passes()) {
    options.passes.push_back({ToSplit(pass.split()), pass.tta()});
  }
  return options;
}

void SetMetrics(const EvalReport& report, v1::Evaluation& out) {
  const EvalMetrics& from = report.metrics;
  auto& to = *out.mutable_metrics();
  to["accuracy"] = from.accuracy;
  to["mpa"] = from.mean_class_accuracy;
  to["top5_accuracy"] = from.top5_accuracy;
  to["loss"] = from.loss;
  to["nll"] = from.loss;
  to["ece"] = report.calibration_error;
  to["kappa"] = from.kappa;
  to["precision_macro"] = from.macro_precision;
  to["recall_macro"] = from.macro_recall;
  to["f1_macro"] = from.macro_f1;
  to["images_per_second"] = report.images_per_second;
  if (!report.fidelity) return;
  to["teacher_accuracy"] = report.fidelity->teacher_accuracy;
  to["teacher_agreement"] = report.fidelity->agreement;
  to["teacher_kl"] = report.fidelity->kl;
}

v1::Evaluation ToMessage(const worker::v1::WorkerSpec& spec, const v1::EvalPass& pass,
                         const EvalReport& report) {
  const worker::v1::EvalTask& task = spec.eval();
  v1::Evaluation message;
  message.set_eval_job(spec.job());
  message.set_model_job(task.model_job());
  if (task.model_job().empty()) message.set_model_file(task.weights());
  message.set_model(task.model());
  message.set_dataset(task.job().dataset());
  message.set_checkpoint(task.job().checkpoint());
  *message.mutable_pass() = pass;
  message.set_images(report.metrics.num_images);
  SetMetrics(report, message);
  for (size_t i = 0; i < report.metrics.classes.size(); ++i) {
    const ClassMetrics& from = report.metrics.classes[i];
    v1::ClassFigures& to = *message.add_classes();
    to.set_name(report.class_names[i]);
    to.set_images(from.num_images);
    to.set_precision(from.precision);
    to.set_recall(from.recall);
    to.set_f1(from.f1);
    if (!report.fidelity) continue;
    to.set_teacher_recall(report.fidelity->class_recall[i]);
    to.set_teacher_agreement(report.fidelity->class_agreement[i]);
  }
  if (report.metrics.classes.size() <= kMaxConfusionClasses) {
    for (const int64_t count : report.metrics.confusion) message.add_confusion(count);
  }
  message.set_finished_at_unix_ms(SystemClock().UnixMillis());
  return message;
}

// Writes the report's files, with `wrong` (WrongPicturesJson()), and tells of each.
Status WriteFiles(const v1::EvalPass& pass, const EvalReport& report, std::string wrong,
                  const std::filesystem::path& run_directory, JournalWriter& journal) {
  const std::string suffix =
      std::string(SplitName(ToSplit(pass.split()))) + (pass.tta() ? "-tta" : "");
  const std::vector<std::pair<std::string, std::string>> files = {
      {"evaluation-" + suffix + ".json", ReportJson(report)},
      {"overall-" + suffix + ".csv", OverallCsv(report)},
      {"classes-" + suffix + ".csv", ClassCsv(report)},
      {"confusion-" + suffix + ".csv", ConfusionCsv(report)},
      {"wrong-" + suffix + ".json", std::move(wrong)}};
  for (const auto& [name, content] : files) {
    const Status written = ReplaceFile(run_directory / name, content);
    if (!written.ok()) return {Code::kAborted, written.message()};
    journal.OnArtifact({run_directory / name, "report", 0});
  }
  const size_t num_classes = report.metrics.classes.size();
  if (num_classes > kMaxConfusionClasses) {
    journal.OnNotice(NoticeLevel::kInformation,
                     "the confusion matrix of " + std::to_string(num_classes) +
                         " classes is in the artifact confusion-" + suffix +
                         ".csv alone: reports and tables show those of up to " +
                         std::to_string(kMaxConfusionClasses));
  }
  return Status::Ok();
}

}  // namespace

Status RunEvaluation(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
                     JournalWriter& journal) {
  EvaluateOptions options = ToOptions(spec);
  RunLineage lineage = LineageOf(spec);
  DISTILL_RETURN_IF_ERROR(WriteLineage(lineage.facts, run_directory, journal));
  options.inputs = std::move(lineage.files);
  DISTILL_ASSIGN_OR_RETURN(const std::vector<EvalReport> reports, Evaluate(options, journal));
  for (size_t i = 0; i < reports.size(); ++i) {
    const v1::EvalPass& pass = spec.eval().job().passes(static_cast<int>(i));
    journal.WriteEvaluation(ToMessage(spec, pass, reports[i]));
    DISTILL_ASSIGN_OR_RETURN(std::string wrong,
                             WrongPicturesJson(pass, reports[i], options.dataset_roots));
    DISTILL_RETURN_IF_ERROR(WriteFiles(pass, reports[i], std::move(wrong), run_directory, journal));
  }
  return Status::Ok();
}

}  // namespace distill::core
