#include "core/loss/relational_distillation.h"

#include <ATen/ATen.h>

#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

constexpr double kSmallestLength = 1e-12;

// [N, N]: ||e_i - e_j|| over the mean of those above 0. The root has no gradient at 0, so zeros are
// left out of it.
at::Tensor RelativeDistances(const at::Tensor& embedding) {
  const at::Tensor squares = (embedding.unsqueeze(0) - embedding.unsqueeze(1)).square().sum(2);
  const at::Tensor differs = squares.gt(kSmallestLength);
  const at::Tensor roots = at::where(differs, squares, at::ones_like(squares)).sqrt();
  const at::Tensor distances = at::where(differs, roots, at::zeros_like(roots));
  const at::Tensor mean = distances.sum() / differs.sum().clamp_min(1);
  return distances / mean.clamp_min(kSmallestLength);
}

// [N, N, N]: at i the cosine between e_j - e_i and e_k - e_i.
at::Tensor Angles(const at::Tensor& embedding) {
  const at::Tensor difference = embedding.unsqueeze(0) - embedding.unsqueeze(1);
  const at::Tensor squares = difference.square().sum(2, /*keepdim=*/true);
  const at::Tensor differs = squares.gt(kSmallestLength * kSmallestLength);
  const at::Tensor lengths = at::where(differs, squares, at::ones_like(squares)).sqrt();
  const at::Tensor directions = difference / lengths;
  return at::bmm(directions, directions.transpose(1, 2));
}

}  // namespace

std::string_view RelationalDistillation::name() const {
  return DistillationMethodName(DistillationMethod::kRkd);
}

at::Tensor RelationalDistillation::ComputeDetached(const DistillationInputs& inputs) {
  const at::Tensor student = LiftHalf(inputs.student.embedding);
  const at::Tensor teacher = LiftHalf(inputs.teacher.embedding);
  at::Tensor loss = at::zeros({}, student.options());
  if (options_.distance != 0) {
    loss = loss + options_.distance *
                      at::smooth_l1_loss(RelativeDistances(student), RelativeDistances(teacher));
  }
  if (options_.angle != 0) {
    loss = loss + options_.angle * at::smooth_l1_loss(Angles(student), Angles(teacher));
  }
  return loss;
}

}  // namespace distill::core
