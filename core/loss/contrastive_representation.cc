#include "core/loss/contrastive_representation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "core/loss/full_precision.h"
#include "core/model/initialization.h"

namespace distill::core {
namespace {

constexpr int64_t kWidth = 128;
constexpr double kSmallest = 1e-7;

at::Tensor UnitLength(const at::Tensor& vectors) {
  return vectors / vectors.square().sum(1, /*keepdim=*/true).sqrt();
}

// Uniform within sqrt(3 / 128), as the authors' code has it.
at::Tensor FreshMemory(int64_t num_images) {
  const double bound = std::sqrt(3.0 / static_cast<double>(kWidth));
  return at::empty({num_images, kWidth}).uniform_(-bound, bound);
}

}  // namespace

ContrastiveRepresentation::ContrastiveRepresentation(const Options& options)
    : options_(options), negatives_(options.image_classes) {
  const auto num_images = static_cast<int64_t>(options.image_classes.size());
  student_memory_ = AddTensor("memory_student", FreshMemory(num_images), TensorKind::kBuffer);
  teacher_memory_ = AddTensor("memory_teacher", FreshMemory(num_images), TensorKind::kBuffer);
  normalizers_ = AddTensor("normalizers", at::full({2}, -1.0F), TensorKind::kBuffer);
  student_embedding_ =
      &AddChild("embed_student", std::make_unique<Linear>(options.student_embedding, kWidth));
  teacher_embedding_ =
      &AddChild("embed_teacher", std::make_unique<Linear>(options.teacher_embedding, kWidth));
  FillUniformFanIn(*this);
}

std::string_view ContrastiveRepresentation::name() const {
  return DistillationMethodName(DistillationMethod::kCrd);
}

at::Tensor ContrastiveRepresentation::ComputeDetached(const DistillationInputs& inputs) {
  const at::Tensor drawn =
      negatives_.Draw(inputs.indices.cpu(), options_.num_negatives, inputs.draw);
  return Contrast(inputs, drawn.to(inputs.student.embedding.device(), /*non_blocking=*/true));
}

at::Tensor ContrastiveRepresentation::Contrast(const DistillationInputs& inputs,
                                               const at::Tensor& contrast) {
  const at::Tensor student =
      UnitLength(student_embedding_->Forward(LiftHalf(inputs.student.embedding)));
  const at::Tensor teacher =
      UnitLength(teacher_embedding_->Forward(LiftHalf(inputs.teacher.embedding)));
  const at::Tensor loss =
      NoiseContrast(Scores(teacher_memory_, student, contrast, /*normalizer=*/0)) +
      NoiseContrast(Scores(student_memory_, teacher, contrast, /*normalizer=*/1));
  if (is_training()) {
    const at::Tensor own = contrast.select(1, 0);
    Remember(student_memory_, student, own);
    Remember(teacher_memory_, teacher, own);
  }
  return loss;
}

// [batch, 1 + K]: exp(v . m / T) / Z of `anchor` v and the entries m of `memory`.
at::Tensor ContrastiveRepresentation::Scores(const at::Tensor& memory, const at::Tensor& anchor,
                                             const at::Tensor& contrast, int64_t normalizer) {
  const at::Tensor entries =
      memory.index_select(0, contrast.reshape(-1)).view({contrast.size(0), -1, kWidth});
  const at::Tensor scores =
      (at::bmm(entries, anchor.unsqueeze(2)).squeeze(2) / options_.temperature).exp();
  const at::NoGradGuard no_grad;
  const at::Tensor stored = normalizers_.select(0, normalizer);
  const at::Tensor fresh =
      (scores.mean() * static_cast<double>(options_.image_classes.size())).to(stored.dtype());
  const at::Tensor z = at::where(stored.lt(0), fresh, stored);
  if (is_training()) stored.copy_(z);
  const c10::AutoGradMode with_grad(true);
  return scores / z;
}

at::Tensor ContrastiveRepresentation::NoiseContrast(const at::Tensor& scores) const {
  const auto num_negatives = static_cast<double>(scores.size(1) - 1);
  const double noise = num_negatives / static_cast<double>(options_.image_classes.size());
  const at::Tensor own = scores.narrow(1, 0, 1);
  const at::Tensor others = scores.narrow(1, 1, scores.size(1) - 1);
  const at::Tensor is_own = (own / (own + noise + kSmallest)).log().sum();
  const at::Tensor is_noise =
      (at::full_like(others, noise) / (others + noise + kSmallest)).log().sum();
  return -(is_own + is_noise) / scores.size(0);
}

void ContrastiveRepresentation::Remember(const at::Tensor& memory, const at::Tensor& values,
                                         const at::Tensor& own) {
  const at::NoGradGuard no_grad;
  const at::Tensor old = memory.index_select(0, own);
  const at::Tensor followed = old * options_.momentum + values * (1 - options_.momentum);
  memory.index_copy_(0, own, UnitLength(followed).to(memory.dtype()));
}

}  // namespace distill::core
