#include "core/eval/fidelity.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>
#include <numeric>

namespace distill::core {
namespace {

// Puts logits of the known classes in their places among all; the others are never predicted.
at::Tensor OverAllClasses(const at::Tensor& logits, const at::Tensor& known, int64_t num_classes) {
  if (!known.defined()) return logits;
  at::Tensor all = at::full({logits.size(0), num_classes}, -std::numeric_limits<float>::infinity(),
                            logits.options());
  return all.index_copy_(1, known, logits);
}

}  // namespace

Fidelity::Fidelity(const TeacherEnsemble& teachers, int64_t num_classes, const at::Device& device)
    : teachers_(teachers),
      num_classes_(num_classes),
      of_teacher_(num_classes, device),
      agreed_(at::zeros({num_classes}, at::TensorOptions().dtype(at::kLong).device(device))),
      kl_sum_(at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device))) {}

void Fidelity::Add(const at::Tensor& images, int64_t crops, const at::Tensor& logits,
                   const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> taught;
  for (const Taught::One& one : teachers_.Forward(images, /*want_blocks=*/false, 0).teachers) {
    const at::Tensor own = one.output.logits.to(at::kFloat);
    taught.push_back(own.view({-1, crops, own.size(1)}).mean(1));
  }
  const at::Tensor teacher =
      EnsembleLogits(taught, teachers_.weights(), EnsembleMode::kMeanProb, 1);
  const Teacher& first = teachers_.teachers().front();
  const at::Tensor teacher_log = teacher.to(at::kDouble).log_softmax(1);
  const at::Tensor model_log = first.OfKnownClasses(logits).to(at::kDouble).log_softmax(1);
  kl_sum_.add_((teacher_log.exp() * (teacher_log - model_log)).sum());
  const at::Tensor placed = OverAllClasses(teacher, first.classes(), num_classes_);
  of_teacher_.Add(placed, labels, {});
  const at::Tensor agrees = placed.argmax(1).eq(logits.argmax(1));
  agreed_.scatter_add_(0, labels, agrees.to(at::kLong));
}

FidelityMetrics Fidelity::Read() const {
  const EvalMetrics counted = ComputeMetrics(of_teacher_.Read());
  FidelityMetrics metrics;
  metrics.teacher_accuracy = counted.accuracy;
  const at::Tensor agreed = agreed_.cpu();
  int64_t num_agreed = 0;
  for (int64_t i = 0; i < num_classes_; ++i) {
    const auto of_class = agreed[i].item<int64_t>();
    const ClassMetrics& counts = counted.classes[static_cast<size_t>(i)];
    num_agreed += of_class;
    metrics.class_recall.push_back(counts.recall);
    metrics.class_agreement.push_back(counts.num_images == 0
                                          ? 0
                                          : static_cast<double>(of_class) /
                                                static_cast<double>(counts.num_images));
  }
  if (counted.num_images == 0) return metrics;
  const auto num_images = static_cast<double>(counted.num_images);
  metrics.agreement = static_cast<double>(num_agreed) / num_images;
  metrics.kl = kl_sum_.item<double>() / num_images;
  return metrics;
}

}  // namespace distill::core
