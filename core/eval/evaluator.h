#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/hashed_file.h"
#include "core/base/status.h"
#include "core/data/manifest.h"
#include "core/eval/input_normalization.h"
#include "core/eval/report.h"
#include "core/eval/run_listener.h"
#include "core/eval/teacher.h"

namespace distill::core {

struct EvaluationPass {
  Split split = Split::kTest;
  bool ten_crop = false;  // test-time augmentation: ten crops, mean of logits
};

struct EvaluateOptions {
  std::string model;              // architecture
  std::filesystem::path weights;  // for exactly the data set's classes
  Roots weights_roots{};          // that they may be read from
  std::filesystem::path manifest;
  Roots dataset_roots{};       // that images may be read from
  std::string device = "cpu";  // or "cuda:0"
  int64_t image_size = 224;    // pixels
  InputNormalization normalization;
  int64_t batch_size = 64;
  bool amp = false;
  int data_threads = 1;
  int64_t time_limit_seconds = 0;  // 0 = none; looked at between passes
  std::vector<EvaluationPass> passes;
  /// To compare with; several are the mean of their probabilities.
  std::vector<TeacherOptions> teachers;
  /// Nobody asked for the teachers by name: where they cannot be compared with, e.g. since they
  /// know different classes, a notice says why, and the evaluation goes on without.
  bool teachers_may_lack = false;
  size_t max_wrong = 64;  // wrongly taken images that a report names
  /// What of the above was hashed: it must still be that when it has been read.
  std::vector<HashedFile> inputs;
};

/// Evaluates a network on splits of a data set, pass by pass. The loss is the plain cross-entropy.
/// Blocks. Returns a report for each pass, in order.
/// kInvalidArgument, kNotFound, kFailedPrecondition: weights, data set and architecture do not fit.
/// kAborted: one of `inputs` changed while it was read.
/// Further codes as Train() (core/train/trainer.h).
Result<std::vector<EvalReport>> Evaluate(const EvaluateOptions& options, RunListener& listener);

}  // namespace distill::core
