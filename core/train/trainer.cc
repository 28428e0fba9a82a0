#include "core/train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "core/eval/failure.h"
#include "core/eval/rate_meter.h"
#include "core/train/training_session.h"

namespace distill::core {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Runs a session to its end.
class TrainingLoop {
 public:
  TrainingLoop(const TrainOptions& options, TrainingSession& session, RunListener& listener)
      : options_(options), session_(session), listener_(listener), started_(SteadyClock::now()) {}

  Result<TrainReport> Run() {
    const TrainPosition& position = session_.position();
    while (position.epoch < options_.epochs && !PatienceIsExhausted()) {
      DISTILL_RETURN_IF_ERROR(RunEpoch());
    }
    TrainReport report;
    report.epochs_done = position.epoch;
    report.best_epoch = position.best_epoch;
    report.best_metrics = position.best_metrics;
    report.stopped_early = position.epoch < options_.epochs;
    if (report.stopped_early) {
      listener_.OnNotice(NoticeLevel::kInformation,
                         "stopped after epoch " + std::to_string(position.epoch) + ": no better " +
                             "result since epoch " + std::to_string(position.best_epoch));
    }
    DISTILL_RETURN_IF_ERROR(WriteModel("last.safetensors", last_metrics_));
    return report;
  }

 private:
  bool PatienceIsExhausted() const {
    const TrainPosition& position = session_.position();
    return options_.patience > 0 && position.best_epoch > 0 &&
           position.epoch - position.best_epoch >= options_.patience;
  }

  Status RunEpoch() {
    DISTILL_RETURN_IF_ERROR(TrainOverEpoch());
    DISTILL_RETURN_IF_ERROR(session_.CheckFinite());
    Metrics metrics = session_.TrainMetrics();
    session_.WarnOfFaintTerms(metrics);
    const double images_per_second = epoch_rate_.OverAll();
    Result<Metrics> validated = session_.Validate();
    // A stop while validating: the training of the epoch is done, so keep it.
    if (!validated.ok()) return StopWith(validated.status());
    DISTILL_RETURN_IF_ERROR(CheckValidationLoss(validated->at("val/loss")));
    metrics.insert(validated->begin(), validated->end());
    metrics["train/images_per_second"] = images_per_second;
    if (const int64_t peak = session_.PeakGpuMemory(); peak > 0) {
      metrics["device/peak_memory_bytes"] = static_cast<double>(peak);
    }
    session_.FinishEpoch();
    return EndEpoch(metrics, images_per_second);
  }

  // The epoch's last update is in no training loss yet: what it broke shows here, before it would
  // be written over a good checkpoint.
  Status CheckValidationLoss(double loss) const {
    if (std::isfinite(loss)) return Status::Ok();
    return {Code::kOutOfRange, "training diverged: val/loss is not finite after epoch " +
                                   std::to_string(session_.position().epoch + 1)};
  }

  // Trains to the epoch's end. Stops with a checkpoint when ordered to.
  Status TrainOverEpoch() {
    epoch_rate_ = RateMeter();
    RateMeter report_rate;
    int64_t images_before = session_.images_in_epoch();
    while (true) {
      DISTILL_RETURN_IF_ERROR(StopIfOrdered());
      DISTILL_ASSIGN_OR_RETURN(const bool has_stepped, session_.TrainStep());
      if (!has_stepped) return Status::Ok();
      const int64_t images = session_.images_in_epoch();
      epoch_rate_.Add(images - images_before);
      report_rate.Add(images - images_before);
      images_before = images;
      if (report_rate.seconds() >= 1) {
        DISTILL_RETURN_IF_ERROR(session_.CheckFinite());
        ReportStep(report_rate.OverAll());
        report_rate = RateMeter();
      }
    }
  }

  void ReportStep(double images_per_second) {
    StepReport report;
    report.epoch = static_cast<int>(session_.position().epoch);
    report.step = session_.position().batch;
    report.steps_per_epoch = session_.batches_per_epoch();
    report.images_per_second = images_per_second;
    report.phase = "train";
    report.metrics = session_.TrainMetrics();
    listener_.OnStep(report);
  }

  Status StopIfOrdered() {
    if (listener_.ShouldStop()) return StopWith({Code::kCancelled, "stopped by order"});
    const auto limit = std::chrono::seconds(options_.time_limit_seconds);
    if (limit.count() > 0 && SteadyClock::now() - started_ >= limit) {
      return StopWith({Code::kDeadlineExceeded,
                       "time limit reached, seconds: " + std::to_string(limit.count())});
    }
    return Status::Ok();
  }

  // Leaves a checkpoint behind, if the reason to stop is one after which a run goes on.
  Status StopWith(const Status& reason) {
    const bool is_resumable =
        reason.code() == Code::kCancelled || reason.code() == Code::kDeadlineExceeded;
    if (!is_resumable) return reason;
    DISTILL_RETURN_IF_ERROR(session_.CheckFinite());
    DISTILL_RETURN_IF_ERROR(WriteCheckpoint());
    return reason;
  }

  Status EndEpoch(const Metrics& metrics, double images_per_second) {
    last_metrics_ = metrics;
    TrainPosition& position = session_.position();
    const double value = SelectionValue(metrics);
    const bool is_best = position.best_epoch == 0 || value > position.best_value;
    if (is_best) {
      position.best_epoch = position.epoch;
      position.best_value = value;
      position.best_metrics = metrics;
      DISTILL_RETURN_IF_ERROR(WriteModel("best.safetensors", metrics));
    }
    EpochReport report;
    report.epoch = static_cast<int>(position.epoch);
    report.step = position.step;
    report.metrics = metrics;
    report.is_best = is_best;
    report.images_per_second = images_per_second;
    // Told before the checkpoint is written: a kill between the two repeats the epoch, one the
    // other way round would lose its figures.
    listener_.OnEpoch(report);
    return WriteCheckpoint();
  }

  // Returns what the best epoch has the most of.
  double SelectionValue(const Metrics& metrics) const {
    switch (options_.selection) {
      case SelectionMetric::kValMpa:
        return metrics.at("val/mpa");
      case SelectionMetric::kValLoss:
        return -metrics.at("val/loss");
      case SelectionMetric::kValAccuracy:
        break;
    }
    return metrics.at("val/accuracy");
  }

  Status WriteCheckpoint() {
    const Status written = WriteNewestCheckpoint(options_.run_directory, session_.Capture());
    if (!written.ok()) return {Code::kAborted, written.WithContext("write checkpoint").message()};
    listener_.OnArtifact({options_.run_directory / kLastCheckpointName, "checkpoint",
                          static_cast<int>(session_.position().epoch)});
    return Status::Ok();
  }

  Status WriteModel(const std::string& name, const Metrics& metrics) {
    DISTILL_RETURN_IF_ERROR(session_.WriteModel(name, metrics));
    listener_.OnArtifact(
        {options_.run_directory / name, "model", static_cast<int>(session_.position().epoch)});
    return Status::Ok();
  }

  const TrainOptions& options_;
  TrainingSession& session_;
  RunListener& listener_;
  const SteadyClock::time_point started_;
  RateMeter epoch_rate_;
  Metrics last_metrics_;
};

Result<TrainReport> TrainUnguarded(const TrainOptions& options, RunListener& listener) {
  DISTILL_ASSIGN_OR_RETURN(std::unique_ptr<TrainingSession> session,
                           TrainingSession::Create(options, listener));
  StartReport start;
  start.resumed_from_epoch = static_cast<int>(session->position().epoch);
  start.num_epochs = static_cast<int>(options.epochs);
  start.steps_per_epoch = session->batches_per_epoch();
  start.device_name = options.device;
  for (const std::string& device : options.other_devices) start.device_name += "," + device;
  listener.OnStart(start);
  DISTILL_RETURN_IF_ERROR(session->WriteOnnxGraph());
  return TrainingLoop(options, *session, listener).Run();
}

}  // namespace

Result<TrainReport> Train(const TrainOptions& options, RunListener& listener) {
  return CatchTorchErrors<Result<TrainReport>>([&] { return TrainUnguarded(options, listener); });
}

}  // namespace distill::core
