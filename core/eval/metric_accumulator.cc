#include "core/eval/metric_accumulator.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace distill::core {

MetricAccumulator::MetricAccumulator(int64_t num_classes, const at::Device& device)
    : num_classes_(num_classes) {
  const at::TensorOptions counts = at::TensorOptions().dtype(at::kLong).device(device);
  confusion_ = at::zeros({num_classes * num_classes}, counts);
  num_top5_ = at::zeros({}, counts);
  loss_sums_ = at::zeros({3}, counts.dtype(at::kDouble));
}

void MetricAccumulator::Add(const at::Tensor& logits, const at::Tensor& labels,
                            const at::Tensor& loss_sums) {
  constexpr int64_t kTop = 5;
  const at::NoGradGuard no_grad;
  // bincount() would wait for the device to learn the size of its result.
  const at::Tensor cell = labels * num_classes_ + logits.argmax(1);
  confusion_.scatter_add_(0, cell, at::ones_like(cell));
  const at::Tensor top = std::get<1>(logits.topk(std::min(kTop, num_classes_), 1));
  num_top5_.add_(top.eq(labels.unsqueeze(1)).sum());
  if (loss_sums.defined()) loss_sums_.add_(loss_sums.detach());
}

EvalCounts MetricAccumulator::Read() const {
  const at::Tensor confusion = confusion_.cpu();
  const int64_t* cells = confusion.data_ptr<int64_t>();
  EvalCounts counts;
  counts.num_classes = num_classes_;
  counts.confusion.assign(cells, cells + confusion.numel());
  counts.num_top5 = num_top5_.item<int64_t>();
  const at::Tensor sums = loss_sums_.cpu();
  const double* const loss = sums.data_ptr<double>();
  counts.weighted_loss_sum = loss[0];
  counts.loss_weight = loss[1];
  counts.loss_sum = loss[2];
  return counts;
}

void MetricAccumulator::Reset() {
  confusion_.zero_();
  num_top5_.zero_();
  loss_sums_.zero_();
}

}  // namespace distill::core
