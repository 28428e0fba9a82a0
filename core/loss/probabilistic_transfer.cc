#include "core/loss/probabilistic_transfer.h"

#include <ATen/ATen.h>

#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

constexpr double kSmallestProbability = 1e-7;

// [N, N], rows that add up to 1.
at::Tensor PairProbabilities(const at::Tensor& embedding) {
  const at::Tensor norms = embedding.norm(2.0, {1}, /*keepdim=*/true);
  const at::Tensor directions = embedding / (norms + kSmallestProbability);
  const at::Tensor similarity = (directions.matmul(directions.t()) + 1.0) / 2.0;
  return similarity / similarity.sum(1, /*keepdim=*/true);
}

}  // namespace

std::string_view ProbabilisticTransfer::name() const {
  return DistillationMethodName(DistillationMethod::kPkt);
}

at::Tensor ProbabilisticTransfer::ComputeDetached(const DistillationInputs& inputs) {
  const at::Tensor student = PairProbabilities(LiftHalf(inputs.student.embedding));
  const at::Tensor teacher = PairProbabilities(LiftHalf(inputs.teacher.embedding));
  const at::Tensor ratio = (teacher + kSmallestProbability) / (student + kSmallestProbability);
  return (teacher * ratio.log()).mean();
}

}  // namespace distill::core
