#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/hashed_file.h"
#include "core/data/augmentation.h"
#include "core/device/amp.h"
#include "core/eval/input_normalization.h"
#include "core/eval/teacher.h"
#include "core/loss/distillation_term.h"
#include "core/loss/ensemble.h"
#include "core/loss/r_drop.h"
#include "core/loss/task_loss.h"
#include "core/train/batch_mix.h"
#include "core/train/learning_rate_schedule.h"
#include "core/train/update_rule.h"
#include "core/train/weight_average.h"

namespace distill::core {

struct DistillationOptions {
  std::vector<TeacherOptions> teachers;           // at least one
  EnsembleMode ensemble = EnsembleMode::kMeanKl;  // of several
  std::vector<DistillationTermOptions> terms;     // their shapes are filled in by the trainer
  double task_weight = 1;                         // of the task loss beside the terms
  int64_t warmup_epochs = 0;                      // in which the terms' weights rise; 0 = none
};

/// Which figure of the validation split picks the best weights.
enum class SelectionMetric { kValAccuracy, kValMpa, kValLoss };

/// What to train, and how. Numbers are checked where they are used; the daemon has checked them
/// all.
struct TrainOptions {
  std::string model;                               // architecture of the student
  std::filesystem::path manifest;                  // of the data set (core/data/manifest.h)
  int64_t num_bad_files = 0;                       // that the data set was made without
  std::filesystem::path run_directory;             // gets checkpoints and models
  std::string device = "cpu";                      // or "cuda:0"
  int64_t memory_limit_bytes = 0;                  // of each GPU; 0 = none
  std::vector<std::string> other_devices;          // of the same kind: each takes part in each step
  std::filesystem::path initial_weights;           // empty: random
  Roots weights_roots{};                           // that they may be read from
  Roots dataset_roots{};                           // that images may be read from
  std::vector<std::filesystem::path> resume_from;  // training checkpoints, newest first

  int64_t image_size = 224;  // pixels
  InputNormalization normalization;
  AugmentationOptions augmentation;
  BatchMixOptions mix;
  int data_threads = 1;

  TaskLossOptions loss;
  bool class_balance = false;
  std::optional<RDropOptions> r_drop;
  std::optional<DistillationOptions> distillation;

  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  std::optional<WeightAverageOptions> average;
  double gradient_clip_norm = 0;  // 0 = off
  AmpRequest amp = AmpRequest::kNone;

  int64_t epochs = 100;
  int64_t batch_size = 64;
  uint64_t seed = 0;
  SelectionMetric selection = SelectionMetric::kValAccuracy;
  int64_t patience = 30;           // epochs; 0 = never stop early
  int64_t time_limit_seconds = 0;  // 0 = none
  bool validate_with_tta = false;

  /// Returns how many images of a batch the first of the devices gets.
  int64_t images_per_device() const {
    const auto num_devices = static_cast<int64_t>(other_devices.size()) + 1;
    return (batch_size + num_devices - 1) / num_devices;
  }

  /// Written into the files' metadata, e.g. {"job", "12"}.
  std::map<std::string, std::string> lineage;
  /// What of the above was hashed: it must still be that when it has been read, and it must be what
  /// a run that is resumed began with. No two have one role.
  std::vector<HashedFile> inputs;
};

}  // namespace distill::core
