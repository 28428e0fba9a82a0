#include "core/eval/inference_model.h"

#include <ATen/core/grad_mode.h>

#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"

namespace distill::core {

Result<std::unique_ptr<Model>> LoadForInference(const std::string& name,
                                                const std::filesystem::path& weights,
                                                int64_t num_classes, const at::Device& device,
                                                const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, CreateModel(name, num_classes));
  DISTILL_ASSIGN_OR_RETURN(const TensorFile file, ReadTensorFile(weights, roots));
  const Status loaded = LoadExact(*model, file.tensors);
  if (!loaded.ok()) return loaded.WithContext("weights " + weights.string());
  model->SetTraining(false);
  model->SetRequiresGrad(false);
  model->To(device);
  model->ToChannelsLast();
  const at::NoGradGuard no_grad;
  model->FuseForInference();
  return model;
}

}  // namespace distill::core
