#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/loss/distillation_term.h"
#include "core/loss/task_loss.h"
#include "core/model/model.h"
#include "core/train/teacher.h"
#include "core/train/train_options.h"

namespace distill::core {

/// What a step minimises, and its parts.
struct ObjectiveValue {
  /// Scalar, with a graph: task weight * task loss + R-Drop penalty + sum of weight * term.
  at::Tensor total;
  /// [names()], float32, detached, on the device.
  at::Tensor parts;
  /// [batch, classes], detached: of the first forward.
  at::Tensor logits;
};

/// The loss of a training step: the task loss, R-Drop over two forwards, and the distillation
/// terms. Under R-Drop both forwards are taught, and the task loss and every term are the mean of
/// both. Owned by one thread.
class Objective {
 public:
  /// Loads the teacher, if there is one, and makes the terms, whose shapes come from a dry run of
  /// `student` (kept in its mode). `class_counts`: of the training split.
  /// kInvalidArgument, kFailedPrecondition: teacher, terms and student do not fit; says how.
  static Result<std::unique_ptr<Objective>> Create(const TrainOptions& options,
                                                   const std::vector<int64_t>& class_counts,
                                                   Model& student, const at::Device& device);

  /// Sets how much the terms count in `epoch` (from 0): min((epoch + 1) / warm-up epochs, 1) of
  /// their weights. Before the first call they count in full.
  void StartEpoch(int64_t epoch);

  /// Computes the loss of one batch. `images`: [batch, 3, H, W], normalised, on the device.
  /// May throw c10::Error. `teacher_runs_under_autocast` is whatever the caller has set.
  /// `share`: of the whole batch that this is a part of. The values of all parts, weighted by their
  /// shares, add up to that of the whole, but for terms that compare images with each other,
  /// which see the part alone. `labels` of a part: see WithBatchWeights().
  ObjectiveValue Compute(Model& student, const at::Tensor& images, const BatchLabels& labels,
                         double share = 1.0) const;

  /// Returns the labels of a whole batch with what parts of it need to know of the whole.
  BatchLabels WithBatchWeights(const BatchLabels& labels) const;

  /// Returns the names of the terms that compare images of a batch with each other: "sp, rkd".
  const std::string& relational_terms() const { return relational_terms_; }

  /// Returns the task loss alone, as validation reports it: a scalar.
  at::Tensor ValidationLoss(const at::Tensor& logits, const at::Tensor& labels) const;

  /// The names of ObjectiveValue::parts: "train/loss" first, then "train/task_loss" and what else
  /// there is: "train/r_drop", "train/kd_loss" (weighted sum, as in the total), "train/kd/<method>"
  /// (unweighted).
  const std::vector<std::string>& names() const { return names_; }

  /// The terms' own modules (MGD's generator), with a name each, for optimiser and checkpoints.
  NamedTensors TermState() const;
  NamedTensors TermParameters() const;

 private:
  struct WeightedTerm {
    std::unique_ptr<DistillationTerm> term;
    double weight = 1;
  };
  struct Forward {
    ModelOutput output;
    at::Tensor task_loss;
    std::vector<at::Tensor> terms;
  };

  Objective() = default;
  Status AddTerms(const TrainOptions& options, Model& student, const at::Device& device);
  Forward RunStudent(Model& student, const at::Tensor& images, const BatchLabels& labels,
                     const ModelOutput& taught) const;
  ObjectiveValue Combine(const std::vector<Forward>& forwards, double share) const;

  TaskLossOptions loss_;
  at::Tensor class_weights_;
  std::optional<RDropOptions> r_drop_;
  std::optional<Teacher> teacher_;
  std::vector<WeightedTerm> terms_;
  double task_weight_ = 1;
  int64_t warmup_epochs_ = 0;
  double term_scale_ = 1;
  bool wants_blocks_ = false;
  std::string relational_terms_;
  std::vector<std::string> names_;
};

}  // namespace distill::core
