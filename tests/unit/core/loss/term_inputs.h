#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "core/loss/correlation_matching.h"
#include "core/loss/decoupled_distillation.h"
#include "core/loss/distillation_term.h"
#include "tests/unit/core/loss/closed_form_inputs.h"

namespace distill::core::testing {

/// Of the published golden values, which have 12 digits.
constexpr double kPublishedTolerance = 1e-9;

inline at::Tensor TrueClasses() { return at::tensor({0, 2, 4, 1}, at::kLong); }

inline at::Tensor Pooled(const at::Tensor& features) { return features.mean({2, 3}); }

inline DistillationInputs EmbeddingInputs(const at::Tensor& student, const at::Tensor& teacher) {
  DistillationInputs inputs;
  inputs.student.embedding = Pooled(student);
  inputs.teacher.embedding = Pooled(teacher);
  return inputs;
}

inline DistillationInputs LogitInputs(const at::Tensor& student, const at::Tensor& teacher) {
  DistillationInputs inputs;
  inputs.student.logits = student;
  inputs.teacher.logits = teacher;
  inputs.labels = TrueClasses();
  return inputs;
}

inline DistillationInputs BlockInputs(const at::Tensor& student, const at::Tensor& teacher) {
  return {OutputWithBlock(4, student), OutputWithBlock(4, teacher), {}};
}

inline std::unique_ptr<DistillationTerm> Dkd(double temperature, double alpha, double beta) {
  return std::make_unique<DecoupledDistillation>(
      DecoupledDistillation::Options{temperature, alpha, beta, /*standardize=*/false});
}

inline std::unique_ptr<DistillationTerm> Dist(double temperature, double beta, double gamma) {
  return std::make_unique<CorrelationMatching>(
      CorrelationMatching::Options{temperature, beta, gamma, LossForm::kPaper});
}

}  // namespace distill::core::testing
