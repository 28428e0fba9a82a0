#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/checkpoint/training_checkpoint.h"
#include "core/data/batch_source.h"
#include "core/data/manifest.h"
#include "core/device/amp.h"
#include "core/device/image_normalizer.h"
#include "core/eval/run_listener.h"
#include "core/model/model.h"
#include "core/train/epoch_sums.h"
#include "core/train/gradient_scaler.h"
#include "core/train/objective.h"
#include "core/train/optimizer.h"
#include "core/train/replica_group.h"
#include "core/train/train_options.h"
#include "core/train/training_counts.h"
#include "core/train/weight_average.h"

namespace distill::core {

/// Where a run stands, and the best of it so far.
struct TrainPosition {
  int64_t epoch = 0;       // epochs done
  int64_t batch = 0;       // batches done in the epoch under way
  int64_t step = 0;        // steps done since the start
  int64_t best_epoch = 0;  // from 1; 0 = none yet
  double best_value = 0;   // of the selection metric
  Metrics best_metrics;
};

/// All that a training run consists of: networks, optimiser, data and position. What a checkpoint
/// holds is what Capture() takes. Owned by one thread. Functions may throw c10::Error.
class TrainingSession {
 public:
  /// Builds everything and checks that the parts fit: data set, student, initial weights, teacher
  /// and terms. Resumes from a checkpoint where there is one; a run that begins is looked at first
  /// (preflight.h). Codes as Train() (trainer.h).
  static Result<std::unique_ptr<TrainingSession>> Create(const TrainOptions& options,
                                                         RunListener& listener);

  /// Trains on the next batch of the epoch under way. Returns false at the epoch's end.
  Result<bool> TrainStep();

  /// Validates the student (its average, with EMA) on the val split.
  /// Returns "val/..." metrics. kCancelled: asked to stop.
  Result<Metrics> Validate();

  /// Returns the means of the epoch so far: losses, accuracy, the terms' shares of the gradient,
  /// learning rate. Waits for the device.
  Metrics TrainMetrics() const;

  /// Returns the most memory of the first GPU that this process took, in bytes; 0 on a CPU.
  int64_t PeakGpuMemory() const;

  /// Tells once of each distillation term that has next to no share of the gradient in `metrics`,
  /// those of an epoch in which the terms count in full.
  void WarnOfFaintTerms(const Metrics& metrics);

  /// Returns kOutOfRange, naming term and step, when a loss was not finite. Waits for the device.
  Status CheckFinite() const;

  /// Ends the epoch: the next TrainStep() is the first of the following one.
  void FinishEpoch();

  TrainingCheckpoint Capture() const;
  /// Writes the student alone: the average, with EMA. kAborted: the file cannot be written.
  Status WriteModel(const std::string& file_name, const Metrics& metrics) const;

  /// Writes graph.onnx, what the student computes without its weights (core/model/onnx_tracer.h),
  /// where its architecture has an ONNX form. kAborted: the file cannot be written.
  Status WriteOnnxGraph() const;

  TrainPosition& position() { return position_; }
  const TrainPosition& position() const { return position_; }
  int64_t batches_per_epoch() const { return train_source_->num_batches(); }
  int64_t images_in_epoch() const { return sums_->num_images(); }

 private:
  TrainingSession(const TrainOptions& options, RunListener& listener, const at::Device& device)
      : options_(options),
        listener_(listener),
        device_(device),
        normalizer_(options.normalization.mean, options.normalization.std, device) {}

  Status Load();
  Status OpenData();
  Status BuildStudent();
  Status BuildOptimization();
  Status BuildReplicas();
  Status Resume();
  Status Restore(const TrainingCheckpoint& checkpoint);
  Status CheckOrigin(const TrainingCheckpoint& checkpoint) const;
  ObjectiveValue ComputeStep(const MixedBatch& batch);
  void Update();
  double learning_rate() const { return LearningRate(options_.schedule, position_.epoch); }

  const TrainOptions options_;
  RunListener& listener_;
  const at::Device device_;
  Manifest manifest_;
  std::unique_ptr<BatchSource> train_source_;
  std::unique_ptr<BatchSource> val_source_;
  const ImageNormalizer normalizer_;
  AmpPlan amp_;
  std::unique_ptr<Model> student_;
  std::unique_ptr<Model> averaged_;  // for validation, with EMA
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<ReplicaGroup> replicas_;  // where there are further devices
  GradientScaler scaler_;
  std::unique_ptr<EpochSums> sums_;
  std::unique_ptr<EpochSums> share_sums_;  // with distillation: of the terms' gradient shares
  std::set<std::string> faint_terms_;      // that were told of
  std::unique_ptr<TrainingCounts> counts_;
  bool epoch_is_started_ = false;
  TrainPosition position_;
};

}  // namespace distill::core
