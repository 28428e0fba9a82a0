#include "core/loss/decoupled_distillation.h"

#include <ATen/ATen.h>

#include "core/loss/logits.h"

namespace distill::core {
namespace {

// The log-probabilities of one network's softmax, split at the label.
struct SplitAtLabel {
  at::Tensor pair;    // [N, 2]: log p_y and log(1 - p_y)
  at::Tensor others;  // [N, C - 1]: of the classes but y, among themselves
};

// [N, C - 1]: for each image the classes but its label, in order.
at::Tensor OtherClasses(const at::Tensor& labels, int64_t num_classes) {
  const at::Tensor places = at::arange(num_classes - 1, labels.options()).unsqueeze(0);
  return places + places.ge(labels.unsqueeze(1)).to(labels.scalar_type());
}

SplitAtLabel Split(const at::Tensor& scaled_logits, const at::Tensor& labels) {
  const at::Tensor all = at::logsumexp(scaled_logits, {1}, /*keepdim=*/true);
  const at::Tensor label = scaled_logits.gather(1, labels.unsqueeze(1));
  const at::Tensor others = scaled_logits.gather(1, OtherClasses(labels, scaled_logits.size(1)));
  const at::Tensor sum_of_others = at::logsumexp(others, {1}, /*keepdim=*/true);
  return {at::cat({label - all, sum_of_others - all}, 1), others - sum_of_others};
}

at::Tensor Divergence(const at::Tensor& student, const at::Tensor& teacher) {
  return at::kl_div(student, teacher, at::Reduction::Sum, /*log_target=*/true);
}

}  // namespace

std::string_view DecoupledDistillation::name() const {
  return DistillationMethodName(DistillationMethod::kDkd);
}

at::Tensor DecoupledDistillation::ComputeDetached(const DistillationInputs& inputs) {
  const auto split = [&](const at::Tensor& logits) {
    return Split(ScaledLogits(logits, options_.temperature, options_.standardize), inputs.labels);
  };
  const SplitAtLabel student = split(inputs.student.logits);
  const SplitAtLabel teacher = split(inputs.teacher.logits);
  const at::Tensor loss = options_.alpha * Divergence(student.pair, teacher.pair) +
                          options_.beta * Divergence(student.others, teacher.others);
  const auto num_images = static_cast<double>(inputs.labels.size(0));
  return loss * (options_.temperature * options_.temperature / num_images);
}

}  // namespace distill::core
