#include "core/eval/evaluation_pass.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/eval/even_batches.h"
#include "core/eval/metric_accumulator.h"
#include "core/eval/rate_meter.h"

namespace distill::core {
namespace {

constexpr int64_t kCrops = 10;

// Returns the logits of a batch: [images, classes], float32 where the network made less.
at::Tensor LogitsOf(Model& model, const at::Tensor& images, const PassOptions& options,
                    EvenBatches& even_batches) {
  const AutocastScope autocast(options.device, options.amp);
  const ModelOutput output = images.is_cuda()
                                 ? even_batches.Forward(model, images, /*want_blocks=*/false)
                                 : model.Forward(images, /*want_blocks=*/false);
  const at::Tensor logits = output.logits.to(at::kFloat);
  if (!options.ten_crop) return logits;
  return logits.view({-1, kCrops, logits.size(1)}).mean(1);
}

}  // namespace

Result<PassResult> RunPass(Model& model, BatchSource& source, const PassOptions& options,
                           RunListener& listener) {
  const at::NoGradGuard no_grad;
  model.SetTraining(false);
  MetricAccumulator accumulator(options.num_classes, options.device);
  EvenBatches even_batches;
  RateMeter pass_rate;
  RateMeter report_rate;
  source.StartEpoch(0);
  const auto report_step = [&](int64_t step) {
    StepReport report;
    report.epoch = options.epoch;
    report.step = step;
    report.steps_per_epoch = source.num_batches();
    report.images_per_second = report_rate.OverAll();
    report.phase = options.phase;
    listener.OnStep(report);
    report_rate = RateMeter();
  };
  for (int64_t step = 1;; ++step) {
    if (listener.ShouldStop()) return Status(Code::kCancelled, "stopped by order");
    DISTILL_ASSIGN_OR_RETURN(const std::optional<Batch> batch, source.Next());
    if (!batch) break;
    const at::Tensor labels = batch->labels.to(options.device, /*non_blocking=*/true);
    const at::Tensor images = options.normalizer->Apply(batch->images);
    const at::Tensor logits = LogitsOf(model, images, options, even_batches);
    accumulator.Add(logits, labels, options.loss(logits, labels));
    if (options.look) {
      options.look({images, options.ten_crop ? kCrops : 1, logits, labels, batch->indices});
    }
    pass_rate.Add(labels.size(0));
    report_rate.Add(labels.size(0));
    if (report_rate.seconds() >= 1 || step == source.num_batches()) report_step(step);
  }
  PassResult result;
  result.metrics = ComputeMetrics(accumulator.Read());
  result.images_per_second = pass_rate.OverAll();
  return result;
}

}  // namespace distill::core
