#include "core/eval/evaluator.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/device/device.h"
#include "core/eval/evaluation_pass.h"
#include "core/eval/failure.h"
#include "core/eval/inference_model.h"
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

Result<std::vector<EvalReport>> EvaluateUnguarded(const EvaluateOptions& options,
                                                  RunListener& listener) {
  DISTILL_ASSIGN_OR_RETURN(const at::Device device, ParseDevice(options.device));
  DISTILL_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(options.manifest));
  const auto num_classes = static_cast<int64_t>(manifest.class_names.size());
  DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                           LoadForInference(options.model, options.weights, num_classes, device));
  const AmpPlan amp = ChooseAmp(device, options.amp);
  StartReport start;
  start.device_name = options.device;
  listener.OnStart(start);
  if (!amp.notice.empty()) listener.OnNotice(amp.notice);

  const ImageNormalizer normalizer(options.normalization.mean, options.normalization.std, device);
  const RateMeter clock;
  std::vector<EvalReport> reports;
  for (const EvaluationPass& pass : options.passes) {
    if (options.time_limit_seconds > 0 &&
        clock.seconds() >= static_cast<double>(options.time_limit_seconds)) {
      return Status(Code::kDeadlineExceeded,
                    "time limit reached, seconds: " + std::to_string(options.time_limit_seconds));
    }
    DISTILL_ASSIGN_OR_RETURN(const std::unique_ptr<BatchSource> source,
                             OpenSplit(options, manifest, pass));
    WrongPredictions wrong(options.max_wrong);
    PassOptions pass_options;
    pass_options.wrong = &wrong;
    pass_options.device = device;
    pass_options.normalizer = &normalizer;
    pass_options.amp = amp.mode;
    pass_options.num_classes = num_classes;
    pass_options.ten_crop = pass.ten_crop;
    pass_options.phase = SplitName(pass.split);
    pass_options.loss = [](const at::Tensor& logits, const at::Tensor& labels) {
      TaskLossOptions plain;
      plain.label_smoothing = 0;
      return TaskLoss(logits, {labels, {}, 1.0}, {}, plain);
    };
    DISTILL_ASSIGN_OR_RETURN(PassResult result, RunPass(*model, *source, pass_options, listener));
    reports.push_back(ToReport(options, manifest, pass, std::move(result), wrong));
  }
  return reports;
}

}  // namespace

Result<std::vector<EvalReport>> Evaluate(const EvaluateOptions& options, RunListener& listener) {
  return CatchTorchErrors<Result<std::vector<EvalReport>>>(
      [&] { return EvaluateUnguarded(options, listener); });
}

}  // namespace distill::core
