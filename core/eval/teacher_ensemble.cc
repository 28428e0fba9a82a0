#include "core/eval/teacher_ensemble.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <utility>

namespace distill::core {

Result<TeacherEnsemble> TeacherEnsemble::Load(const std::vector<TeacherOptions>& options,
                                              EnsembleMode mode, int64_t num_classes,
                                              const InputNormalization& student,
                                              const at::Device& device) {
  if (options.empty()) return Status(Code::kInvalidArgument, "distillation needs a teacher");
  TeacherEnsemble ensemble(mode);
  double sum = 0;
  for (size_t i = 0; i < options.size(); ++i) {
    const double weight = options[i].weight;
    if (!(std::isfinite(weight) && weight > 0)) {
      return Status(Code::kInvalidArgument,
                    "a teacher's weight must be above 0, not " + std::to_string(weight));
    }
    Result<Teacher> teacher = Teacher::Load(options[i], num_classes, student, device);
    if (!teacher.ok()) {
      return options.size() == 1 ? teacher.status()
                                 : teacher.status().WithContext("number " + std::to_string(i + 1));
    }
    ensemble.teachers_.push_back(std::move(*teacher));
    ensemble.weights_.push_back(weight);
    sum += weight;
  }
  for (double& weight : ensemble.weights_) weight /= sum;
  DISTILL_RETURN_IF_ERROR(ensemble.CheckClasses());
  return ensemble;
}

Status TeacherEnsemble::CheckClasses() const {
  if (mode_ != EnsembleMode::kMeanProb && mode_ != EnsembleMode::kMeanLogit) return Status::Ok();
  const at::Tensor& first = teachers_.front().classes();
  for (const Teacher& teacher : teachers_) {
    const at::Tensor& other = teacher.classes();
    const bool is_same =
        first.defined() == other.defined() && (!first.defined() || at::equal(first, other));
    if (is_same) continue;
    return {Code::kInvalidArgument,
            "teachers whose probabilities or logits are averaged must know the same classes of the "
            "data set; use the ensemble mean_kl"};
  }
  return Status::Ok();
}

Taught TeacherEnsemble::Forward(const at::Tensor& images, bool want_blocks, double draw) const {
  Taught taught;
  if (mode_ == EnsembleMode::kRandomOne) {
    size_t drawn = 0;
    for (double edge = weights_[0]; draw >= edge && drawn + 1 < weights_.size();) {
      edge += weights_[++drawn];
    }
    taught.teachers.push_back({drawn, 1.0, teachers_[drawn].Forward(images, want_blocks)});
    return taught;
  }
  for (size_t i = 0; i < teachers_.size(); ++i) {
    taught.teachers.push_back({i, weights_[i], teachers_[i].Forward(images, want_blocks)});
  }
  return taught;
}

}  // namespace distill::core
