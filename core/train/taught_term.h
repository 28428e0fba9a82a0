#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/eval/teacher_ensemble.h"
#include "core/loss/distillation_term.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// One method of distillation between a student and all of its teachers. Under kMeanKl and
/// kRandomOne, and for terms that read more than logits, each teacher has a term of its own, with
/// trained parts of its own, and the value is their weighted mean. Under kMeanProb and kMeanLogit a
/// term of logits sees the ensemble as one teacher. Owned by one thread.
class TaughtTerm {
 public:
  /// `teachers`: what each makes of an image, in the order of the ensemble, which must outlive the
  /// term. kInvalidArgument: as CreateDistillationTerm(); a method that needs the true label with a
  /// teacher that does not know all classes; averaged probabilities of standardised logits; a
  /// TorchScript teacher that does not return what the method reads.
  static Result<TaughtTerm> Create(const DistillationTermOptions& options,
                                   const OutputShape& student,
                                   const std::vector<OutputShape>& teachers,
                                   const TeacherEnsemble& ensemble);

  /// Returns the loss of a batch before its weight; see DistillationTerm::Compute(). `batch`: all
  /// but the teacher's outputs.
  at::Tensor Compute(const DistillationInputs& batch, const Taught& taught) const;

  /// Moves the trained parts to `device`, channels_last.
  void To(const at::Device& device);

  const DistillationTerm& method() const { return *terms_.front(); }
  double weight() const { return weight_; }
  /// Numbers of the blocks that it reads, or none.
  const std::vector<int>& blocks() const { return blocks_; }

  /// The trained parts: "name" of the first teacher's, "teacher<k>.name" of the others', from 1.
  NamedTensors State() const;

 private:
  explicit TaughtTerm(const TeacherEnsemble& ensemble) : ensemble_(&ensemble) {}
  bool is_joint() const;
  Status Check(const DistillationTermOptions& options) const;

  const TeacherEnsemble* ensemble_;
  double weight_ = 1;
  std::vector<int> blocks_;
  std::vector<std::unique_ptr<DistillationTerm>> terms_;  // one a teacher
};

}  // namespace distill::core
