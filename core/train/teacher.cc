#include "core/train/teacher.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "core/eval/inference_model.h"

namespace distill::core {
namespace {

at::Tensor PerChannel(const std::array<double, 3>& values, const at::Device& device) {
  return at::tensor({values[0], values[1], values[2]}, at::kDouble)
      .to(at::kFloat)
      .view({1, 3, 1, 1})
      .to(device);
}

// (x / 255 - m_t) / s_t, from y = (x / 255 - m_s) / s_s, is y * s_s / s_t + (m_s - m_t) / s_t.
std::pair<at::Tensor, at::Tensor> Renormalization(const InputNormalization& from,
                                                  const InputNormalization& to,
                                                  const at::Device& device) {
  std::array<double, 3> scale{};
  std::array<double, 3> shift{};
  for (size_t channel = 0; channel < 3; ++channel) {
    scale[channel] = from.std[channel] / to.std[channel];
    shift[channel] = (from.mean[channel] - to.mean[channel]) / to.std[channel];
  }
  return {PerChannel(scale, device), PerChannel(shift, device)};
}

}  // namespace

Result<Teacher> Teacher::Load(const TeacherOptions& options, int64_t num_classes,
                              const InputNormalization& student, const at::Device& device) {
  Result<std::unique_ptr<Model>> model =
      LoadForInference(options.model, options.weights, num_classes, device);
  if (!model.ok()) return model.status().WithContext("teacher");
  if (options.normalization == student) return Teacher(std::move(*model), {}, {});
  auto [scale, shift] = Renormalization(student, options.normalization, device);
  return Teacher(std::move(*model), std::move(scale), std::move(shift));
}

ModelOutput Teacher::Forward(const at::Tensor& images, bool want_blocks) const {
  const at::NoGradGuard no_grad;
  const at::Tensor own = scale_.defined() ? images * scale_ + shift_ : images;
  return model_->Forward(own, want_blocks);
}

}  // namespace distill::core
