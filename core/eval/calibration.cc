#include "core/eval/calibration.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill::core {
namespace {

constexpr int64_t kBins = 15;

}  // namespace

CalibrationAccumulator::CalibrationAccumulator(const at::Device& device) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kDouble).device(device);
  images_ = at::zeros({kBins}, options);
  correct_ = at::zeros({kBins}, options);
  confidence_ = at::zeros({kBins}, options);
}

void CalibrationAccumulator::Add(const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto [confidence, predicted] = logits.to(at::kDouble).softmax(1).max(1);
  const at::Tensor bin = (confidence * kBins).ceil().to(at::kLong).sub(1).clamp(0, kBins - 1);
  images_.scatter_add_(0, bin, at::ones_like(confidence));
  correct_.scatter_add_(0, bin, predicted.eq(labels).to(at::kDouble));
  confidence_.scatter_add_(0, bin, confidence);
}

double CalibrationAccumulator::Error() const {
  const double num_images = images_.sum().item<double>();
  if (num_images == 0) return 0;
  return (correct_ - confidence_).abs().sum().item<double>() / num_images;
}

}  // namespace distill::core
