#include "core/loss/soft_target.h"

#include <ATen/ATen.h>

#include "core/loss/logits.h"

namespace distill::core {

std::string_view SoftTarget::name() const {
  return DistillationMethodName(DistillationMethod::kSoftTarget);
}

at::Tensor SoftTarget::ComputeDetached(const DistillationInputs& inputs) {
  const at::Tensor student =
      at::log_softmax(ScaledLogits(inputs.student.logits, temperature_, standardize_), 1);
  const at::Tensor teacher =
      at::log_softmax(ScaledLogits(inputs.teacher.logits, temperature_, standardize_), 1);
  const at::Tensor divergence =
      at::kl_div(student, teacher, at::Reduction::Sum, /*log_target=*/true);
  const auto num_images = static_cast<double>(student.size(0));
  return divergence * (temperature_ * temperature_ / num_images);
}

}  // namespace distill::core
