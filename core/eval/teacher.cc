#include "core/eval/teacher.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/architecture.h"
#include "core/eval/inference_model.h"
#include "core/eval/torch_script_model.h"

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
  const bool is_mapped = !options.class_outputs.empty();
  Teacher teacher;
  const Status loaded =
      teacher.LoadModel(options, is_mapped ? options.num_outputs : num_classes, device);
  if (!loaded.ok()) return loaded.WithContext("teacher");
  teacher.image_size_ = options.image_size;
  if (is_mapped) {
    if (static_cast<int64_t>(options.class_outputs.size()) != num_classes) {
      return Status(Code::kInvalidArgument,
                    "teacher: the class map has " + std::to_string(options.class_outputs.size()) +
                        " classes, the data set " + std::to_string(num_classes));
    }
    DISTILL_RETURN_IF_ERROR(teacher.SetClassMap(options.class_outputs, device));
  }
  if (!(options.normalization == student)) {
    std::tie(teacher.scale_, teacher.shift_) =
        Renormalization(student, options.normalization, device);
  }
  return teacher;
}

Status Teacher::LoadModel(const TeacherOptions& options, int64_t num_outputs,
                          const at::Device& device) {
  if (options.model != kTorchScript) {
    DISTILL_ASSIGN_OR_RETURN(model_, LoadForInference(options.model, options.weights, num_outputs,
                                                      device, options.roots));
    return Status::Ok();
  }
  DISTILL_ASSIGN_OR_RETURN(
      std::unique_ptr<TorchScriptModel> model,
      TorchScriptModel::Load({options.weights, options.image_size, num_outputs, options.roots},
                             device));
  script_outputs_ = model->outputs();
  model_ = std::move(model);
  return Status::Ok();
}

Status Teacher::SetClassMap(const std::vector<int64_t>& class_outputs, const at::Device& device) {
  std::vector<int64_t> classes;
  std::vector<int64_t> outputs;
  std::set<int64_t> seen;
  for (size_t i = 0; i < class_outputs.size(); ++i) {
    if (class_outputs[i] < 0) continue;
    if (!seen.insert(class_outputs[i]).second) {
      return {Code::kInvalidArgument, "teacher: two classes of the data set are mapped to output " +
                                          std::to_string(class_outputs[i])};
    }
    classes.push_back(static_cast<int64_t>(i));
    outputs.push_back(class_outputs[i]);
  }
  if (outputs.empty()) {
    return {Code::kInvalidArgument, "teacher: the class map leaves it no class of the data set"};
  }
  outputs_ = at::tensor(outputs, at::kLong).to(device);
  if (classes.size() < class_outputs.size()) classes_ = at::tensor(classes, at::kLong).to(device);
  return Status::Ok();
}

ModelOutput Teacher::OutputOf(const at::Tensor& images, bool want_blocks) const {
  // A program may look at all images of a batch at once.
  if (!images.is_cuda() || !script_outputs_.empty()) return model_->Forward(images, want_blocks);
  return even_batches_.Forward(*model_, images, want_blocks);
}

ModelOutput Teacher::Forward(const at::Tensor& images, bool want_blocks) const {
  const at::NoGradGuard no_grad;
  at::Tensor own = scale_.defined() ? images * scale_ + shift_ : images;
  if (image_size_ > 0 && (own.size(2) != image_size_ || own.size(3) != image_size_)) {
    own = at::_upsample_bilinear2d_aa(own, {image_size_, image_size_}, /*align_corners=*/false);
  }
  ModelOutput output = OutputOf(own, want_blocks);
  if (outputs_.defined()) output.logits = output.logits.index_select(1, outputs_);
  return output;
}

at::Tensor Teacher::OfKnownClasses(const at::Tensor& logits) const {
  return classes_.defined() ? logits.index_select(1, classes_) : logits;
}

}  // namespace distill::core
