#include "core/eval/evaluator.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/device/device.h"
#include "core/eval/calibration.h"
#include "core/eval/evaluation_pass.h"
#include "core/eval/failure.h"
#include "core/eval/fidelity.h"
#include "core/eval/inference_model.h"
#include "core/eval/input_reading.h"
#include "core/eval/rate_meter.h"
#include "core/eval/wrong_predictions.h"
#include "core/loss/task_loss.h"

namespace distill::core {
namespace {

Result<std::unique_ptr<BatchSource>> OpenSplit(const EvaluateOptions& options,
                                               const Manifest& manifest,
                                               const EvaluationPass& pass) {
  BatchSourceOptions source;
  source.image_size = options.image_size;
  source.num_threads = options.data_threads;
  source.ten_crop = pass.ten_crop;
  source.pinned = options.device != "cpu";
  source.roots = options.dataset_roots;
  // Ten crops make a batch ten times as large.
  source.batch_size =
      pass.ten_crop ? std::max<int64_t>(1, options.batch_size / 10) : options.batch_size;
  std::vector<ManifestEntry> entries = manifest.EntriesOf(pass.split);
  if (entries.empty()) {
    return Status(Code::kFailedPrecondition,
                  "the data set has no images in split " + std::string(SplitName(pass.split)));
  }
  return CreateBatchSource(std::move(entries), source);
}

EvalReport ToReport(const EvaluateOptions& options, const Manifest& manifest,
                    const EvaluationPass& pass, PassResult result, const WrongPredictions& wrong) {
  EvalReport report;
  report.metrics = std::move(result.metrics);
  report.class_names = manifest.class_names;
  report.images_per_second = result.images_per_second;
  report.num_wrong = wrong.num_wrong();
  const std::vector<ManifestEntry> entries = manifest.EntriesOf(pass.split);
  for (const WrongPrediction& prediction : wrong.Surest()) {
    report.wrong.push_back({entries.at(static_cast<size_t>(prediction.index)).path, prediction});
  }
  report.facts = {{"split", std::string(SplitName(pass.split))},
                  {"tta", pass.ten_crop ? "ten_crop" : "none"},
                  {"model", options.model},
                  {"weights", options.weights.string()},
                  {"image_size", std::to_string(options.image_size)},
                  {"manifest_sha256", ManifestSha256(manifest)}};
  return report;
}

// Evaluates one network pass by pass. Owned by one thread.
class Evaluation {
 public:
  Evaluation(const EvaluateOptions& options, const at::Device& device, RunListener& listener)
      : options_(options),
        listener_(listener),
        device_(device),
        normalizer_(options.normalization.mean, options.normalization.std, device) {}

  Status Load() {
    DISTILL_ASSIGN_OR_RETURN(manifest_, ReadManifest(options_.manifest));
    DISTILL_ASSIGN_OR_RETURN(
        model_, LoadForInference(options_.model, options_.weights, num_classes(), device_,
                                 options_.weights_roots));
    if (options_.teachers.empty()) return Status::Ok();
    Result<TeacherEnsemble> teachers = TeacherEnsemble::Load(
        options_.teachers, EnsembleMode::kMeanProb, num_classes(), options_.normalization, device_);
    if (!teachers.ok() && options_.teachers_may_lack) {
      listener_.OnNotice(NoticeLevel::kWarning, "not compared with the teachers of the job: " +
                                                    teachers.status().message());
      return Status::Ok();
    }
    if (!teachers.ok()) return teachers.status();
    teachers_.emplace(std::move(*teachers));
    return Status::Ok();
  }

  Result<EvalReport> Run(const EvaluationPass& pass, AmpMode amp) {
    DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<BatchSource> source,
                             OpenSplit(options_, manifest_, pass));
    WrongPredictions wrong(options_.max_wrong);
    CalibrationAccumulator calibration(device_);
    std::optional<Fidelity> fidelity;
    if (teachers_) fidelity.emplace(*teachers_, num_classes(), device_);
    PassOptions how;
    how.device = device_;
    how.normalizer = &normalizer_;
    how.amp = amp;
    how.num_classes = num_classes();
    how.ten_crop = pass.ten_crop;
    how.phase = SplitName(pass.split);
    how.loss = [](const at::Tensor& logits, const at::Tensor& labels) {
      TaskLossOptions plain;
      plain.label_smoothing = 0;
      return TaskLossSums(logits, labels, {}, plain);
    };
    how.look = [&](const EvaluatedBatch& batch) {
      wrong.Add(batch.logits, batch.labels, batch.indices);
      calibration.Add(batch.logits, batch.labels);
      if (fidelity) fidelity->Add(batch.images, batch.crops, batch.logits, batch.labels);
    };
    DISTILL_ASSIGN_OR_RETURN(PassResult result, RunPass(*model_, *source, how, listener_));
    EvalReport report = ToReport(options_, manifest_, pass, std::move(result), wrong);
    report.calibration_error = calibration.Error();
    if (fidelity) report.fidelity = fidelity->Read();
    return report;
  }

 private:
  int64_t num_classes() const { return static_cast<int64_t>(manifest_.class_names.size()); }

  const EvaluateOptions& options_;
  RunListener& listener_;
  const at::Device device_;
  const ImageNormalizer normalizer_;
  Manifest manifest_;
  std::unique_ptr<Model> model_;
  std::optional<TeacherEnsemble> teachers_;
};

Result<std::vector<EvalReport>> EvaluateUnguarded(const EvaluateOptions& options,
                                                  RunListener& listener) {
  DISTILL_ASSIGN_OR_RETURN(const at::Device device, ParseDevice(options.device));
  Evaluation evaluation(options, device, listener);
  DISTILL_RETURN_IF_ERROR(ReadInputs(options.inputs, [&] { return evaluation.Load(); }));
  DISTILL_ASSIGN_OR_RETURN(const AmpPlan amp,
                           ChooseAmp(device, options.amp ? AmpRequest::kAuto : AmpRequest::kNone));
  StartReport start;
  start.device_name = options.device;
  listener.OnStart(start);
  if (!amp.notice.empty()) {
    listener.OnNotice(amp.is_slow ? NoticeLevel::kWarning : NoticeLevel::kInformation, amp.notice);
  }

  const RateMeter clock;
  std::vector<EvalReport> reports;
  for (const EvaluationPass& pass : options.passes) {
    if (options.time_limit_seconds > 0 &&
        clock.seconds() >= static_cast<double>(options.time_limit_seconds)) {
      return Status(Code::kDeadlineExceeded,
                    "time limit reached, seconds: " + std::to_string(options.time_limit_seconds));
    }
    DISTILL_ASSIGN_OR_RETURN(EvalReport report, evaluation.Run(pass, amp.mode));
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace

Result<std::vector<EvalReport>> Evaluate(const EvaluateOptions& options, RunListener& listener) {
  return CatchTorchErrors<Result<std::vector<EvalReport>>>(
      [&] { return EvaluateUnguarded(options, listener); });
}

}  // namespace distill::core
