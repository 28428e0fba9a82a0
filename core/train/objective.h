#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/manifest.h"
#include "core/eval/teacher_ensemble.h"
#include "core/loss/task_loss.h"
#include "core/model/model.h"
#include "core/train/batch_mix.h"
#include "core/train/taught_term.h"
#include "core/train/train_options.h"

namespace distill::core {

/// What an objective needs to know of the training split.
struct TrainingSplit {
  std::vector<int64_t> class_counts;   // images of each class
  std::vector<int64_t> image_classes;  // of every image, in order
};

/// Returns that of the training images of a data set.
TrainingSplit TrainingSplitOf(const Manifest& manifest);

/// What a step minimises, and its parts.
struct ObjectiveValue {
  /// Scalar, with a graph: task weight * task loss + R-Drop penalty + sum of weight * term.
  at::Tensor total;
  /// [names()], float32, detached, on the device.
  at::Tensor parts;
  /// [batch, classes], detached: of the first forward.
  at::Tensor logits;
  /// [share_names()], float32, on the device: each term's share of the gradient. Undefined but for
  /// every kStepsBetweenShares-th batch of an epoch, from the first.
  at::Tensor shares;
};

/// The loss of a training step: the task loss, R-Drop over two forwards, and the distillation
/// terms. Under R-Drop both forwards are taught, and the task loss and every term are the mean of
/// both. Owned by one thread.
class Objective {
 public:
  /// Loads the teachers, if there are any, and makes the terms, whose shapes come from a dry run of
  /// `student` (kept in its mode).
  /// kInvalidArgument, kFailedPrecondition: teacher, terms and student do not fit; says how.
  static Result<std::unique_ptr<Objective>> Create(const TrainOptions& options,
                                                   const TrainingSplit& split, Model& student,
                                                   const at::Device& device);

  /// Sets how much the terms count in `epoch` (from 0): min((epoch + 1) / warm-up epochs, 1) of
  /// their weights. Before the first call they count in full.
  void StartEpoch(int64_t epoch);

  /// Returns whether the terms count in full in the epoch under way.
  bool counts_in_full() const { return term_scale_ >= 1; }

  /// Of which batches the terms' shares of the gradient are measured: it costs some passes back
  /// through the end of the network.
  static constexpr int64_t kStepsBetweenShares = 50;

  /// Computes the loss of one batch. Images: [batch, 3, H, W], normalised, on the device. Both
  /// networks run under the autocast that the caller has set. May throw c10::Error.
  /// `share`: of the whole batch that this is a part of. The values of all parts, weighted by their
  /// shares, add up to that of the whole, but for terms that compare images with each other,
  /// which see the part alone. Labels of a part: see WithBatchWeights().
  ObjectiveValue Compute(Model& student, const MixedBatch& batch, double share = 1.0) const;

  /// Returns the labels of a whole batch with what parts of it need to know of the whole.
  BatchLabels WithBatchWeights(const BatchLabels& labels) const;

  /// Returns the names of the terms that compare images of a batch with each other: "sp, rkd".
  const std::string& relational_terms() const { return relational_terms_; }

  /// Returns the task loss alone, as validation reports it: TaskLossSums() of a batch.
  at::Tensor ValidationLossSums(const at::Tensor& logits, const at::Tensor& labels) const;

  /// The names of ObjectiveValue::parts: "train/loss" first, then "train/task_loss" and what else
  /// there is: "train/r_drop", "train/kd_loss" (weighted sum, as in the total),
  /// "train/kd/<method>/weighted" and "train/kd/<method>" (unweighted) of each term. Where a method
  /// is there more than once, the second of its terms is <method>-2, and so on.
  const std::vector<std::string>& names() const { return names_; }

  /// The names of ObjectiveValue::shares, one a term: "train/kd/<method>/gradient_share".
  const std::vector<std::string>& share_names() const { return share_names_; }

  /// Returns whether the terms read blocks of the networks.
  bool wants_blocks() const { return wants_blocks_; }

  /// Returns for each term, and each of its teachers, a line that says what it compares, e.g.
  /// "mgd: block 4, student 320x7x7, teacher 2048x7x7, 1000 trained parameters of its own".
  std::vector<std::string> TermPlans() const;

  /// Returns the teachers, or nullptr without distillation.
  const TeacherEnsemble* teachers() const { return teachers_ ? &*teachers_ : nullptr; }

  /// The terms' own modules (MGD's generator), with a name each, for optimiser and checkpoints.
  NamedTensors TermState() const;
  NamedTensors TermParameters() const;

 private:
  struct Forward {
    ModelOutput output;
    at::Tensor task_loss;
    std::vector<at::Tensor> terms;
  };

  Objective() = default;
  Status AddTerms(const TrainOptions& options, const TrainingSplit& split, Model& student,
                  const at::Device& device);
  Status AddTerm(const DistillationTermOptions& options);
  Forward RunStudent(Model& student, const MixedBatch& batch, const Taught& taught) const;
  Status CheckTerm(const TrainOptions& options, DistillationMethod method) const;
  void NameTerms();
  std::vector<std::string> TermNames() const;
  at::Tensor MeasureShares(const Forward& forward) const;
  ObjectiveValue Combine(const std::vector<Forward>& forwards, double share) const;

  TaskLossOptions loss_;
  at::Tensor class_weights_;
  std::optional<RDropOptions> r_drop_;
  std::optional<TeacherEnsemble> teachers_;
  std::vector<TaughtTerm> terms_;
  double task_weight_ = 1;
  int64_t warmup_epochs_ = 0;
  double term_scale_ = 1;
  bool wants_blocks_ = false;
  std::string relational_terms_;
  std::vector<std::string> names_;
  std::vector<std::string> share_names_;
  OutputShape student_shape_;
  std::vector<OutputShape> teacher_shapes_;
};

}  // namespace distill::core
