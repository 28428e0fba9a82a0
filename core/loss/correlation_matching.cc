#include "core/loss/correlation_matching.h"

#include <ATen/ATen.h>

#include "core/loss/logits.h"

namespace distill::core {
namespace {

// 1 - the mean over rows of Pearson's r.
at::Tensor Uncorrelatedness(const at::Tensor& student, const at::Tensor& teacher) {
  constexpr double kAdded = 1e-8;  // as the authors do
  const at::Tensor x = student - student.mean(1, /*keepdim=*/true);
  const at::Tensor y = teacher - teacher.mean(1, /*keepdim=*/true);
  const at::Tensor norms = x.norm(2.0, {1}, false) * y.norm(2.0, {1}, false);
  return 1.0 - ((x * y).sum(1) / (norms + kAdded)).mean();
}

}  // namespace

std::string_view CorrelationMatching::name() const {
  return DistillationMethodName(DistillationMethod::kDist);
}

at::Tensor CorrelationMatching::ComputeDetached(const DistillationInputs& inputs) {
  const auto probabilities = [this](const at::Tensor& logits) {
    return at::softmax(ScaledLogits(logits, options_.temperature, /*standardize=*/false), 1);
  };
  const at::Tensor student = probabilities(inputs.student.logits);
  const at::Tensor teacher = probabilities(inputs.teacher.logits);
  const at::Tensor loss = options_.beta * Uncorrelatedness(student, teacher) +
                          options_.gamma * Uncorrelatedness(student.t(), teacher.t());
  const bool is_scaled = options_.form == LossForm::kReference;
  return is_scaled ? loss * (options_.temperature * options_.temperature) : loss;
}

}  // namespace distill::core
