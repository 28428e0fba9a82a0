#include "core/loss/similarity_preserving.h"

#include <ATen/ATen.h>

#include <limits>

#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

// Returns [N, C * H * W], without a copy for both usual memory layouts: the order of the elements
// does not matter to a dot product.
at::Tensor FlattenImages(const at::Tensor& features) {
  const bool is_channels_last = features.is_contiguous(at::MemoryFormat::ChannelsLast);
  return (is_channels_last ? features.permute({0, 2, 3, 1}) : features).flatten(1);
}

at::Tensor ScaledToUnit(const at::Tensor& features) {
  constexpr double kSmallest = std::numeric_limits<float>::min();
  return features / features.detach().abs().amax().clamp_min(kSmallest);
}

at::Tensor NormalizedSimilarity(const at::Tensor& features, LossForm form) {
  constexpr double kSmallestNorm = 1e-12;
  const at::Tensor rows = ScaledToUnit(FlattenImages(LiftHalf(features)));
  const at::Tensor similarity = rows.matmul(rows.t());
  const double order = form == LossForm::kPaper ? 2.0 : 1.0;
  const at::Tensor norm = similarity.norm(order, {1}, /*keepdim=*/true);
  return similarity / norm.clamp_min(kSmallestNorm);
}

}  // namespace

SimilarityPreserving::SimilarityPreserving(std::vector<int> blocks, LossForm form)
    : blocks_(std::move(blocks)), form_(form) {}

std::string_view SimilarityPreserving::name() const {
  return DistillationMethodName(DistillationMethod::kSp);
}

at::Tensor SimilarityPreserving::ComputeDetached(const DistillationInputs& inputs) {
  at::Tensor total;
  for (const int block : blocks_) {
    const auto index = static_cast<size_t>(block - 1);
    const at::Tensor student = NormalizedSimilarity(inputs.student.blocks.at(index), form_);
    const at::Tensor teacher = NormalizedSimilarity(inputs.teacher.blocks.at(index), form_);
    const at::Tensor loss = at::mse_loss(student, teacher);  // the mean over N x N
    total = total.defined() ? total + loss : loss;
  }
  return total;
}

}  // namespace distill::core
