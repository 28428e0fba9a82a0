#include "core/loss/attention_transfer.h"

#include <ATen/ATen.h>

#include "core/loss/features.h"
#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

// [N, H * W], rows of unit L2 norm.
at::Tensor AttentionMap(const at::Tensor& features) {
  constexpr double kSmallestNorm = 1e-12;
  const at::Tensor map = features.square().mean(1).flatten(1);
  return map / map.norm(2.0, {1}, /*keepdim=*/true).clamp_min(kSmallestNorm);
}

at::Tensor BlockLoss(const at::Tensor& student, const at::Tensor& teacher, LossForm form) {
  const FeaturePair pooled = PooledToSmaller(LiftHalf(student), LiftHalf(teacher));
  const at::Tensor student_map = AttentionMap(pooled.student);
  const at::Tensor teacher_map = AttentionMap(pooled.teacher);
  if (form == LossForm::kReference) return at::mse_loss(student_map, teacher_map);
  return (student_map - teacher_map).norm(2.0, {1}, /*keepdim=*/false).mean();
}

}  // namespace

AttentionTransfer::AttentionTransfer(std::vector<int> blocks, LossForm form)
    : blocks_(std::move(blocks)), form_(form) {}

std::string_view AttentionTransfer::name() const {
  return DistillationMethodName(DistillationMethod::kAt);
}

at::Tensor AttentionTransfer::ComputeDetached(const DistillationInputs& inputs) {
  at::Tensor total;
  for (const int block : blocks_) {
    const auto index = static_cast<size_t>(block - 1);
    const at::Tensor loss =
        BlockLoss(inputs.student.blocks.at(index), inputs.teacher.blocks.at(index), form_);
    total = total.defined() ? total + loss : loss;
  }
  return total;
}

}  // namespace distill::core
