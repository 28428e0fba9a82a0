#include "core/eval/wrong_predictions.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace distill::core {
namespace {

bool IsSurer(const WrongPrediction& left, const WrongPrediction& right) {
  if (left.predicted_score != right.predicted_score) {
    return left.predicted_score > right.predicted_score;
  }
  return left.index < right.index;
}

}  // namespace

void WrongPredictions::Add(const at::Tensor& logits, const at::Tensor& labels,
                           const std::vector<int64_t>& indices) {
  const at::NoGradGuard no_grad;
  const at::Tensor predicted = logits.argmax(1).cpu();
  const at::Tensor scores = logits.to(at::kDouble).softmax(1).cpu().contiguous();
  const at::Tensor truth = labels.cpu().contiguous();
  const auto* predictions = predicted.data_ptr<int64_t>();
  const auto* true_classes = truth.data_ptr<int64_t>();
  for (size_t i = 0; i < indices.size(); ++i) {
    if (predictions[i] == true_classes[i]) continue;
    ++num_wrong_;
    const double* row = scores.data_ptr<double>() + static_cast<int64_t>(i) * scores.size(1);
    kept_.push_back(
        {indices[i], true_classes[i], predictions[i], row[predictions[i]], row[true_classes[i]]});
    std::push_heap(kept_.begin(), kept_.end(), IsSurer);
    if (kept_.size() <= limit_) continue;
    std::pop_heap(kept_.begin(), kept_.end(), IsSurer);
    kept_.pop_back();
  }
}

std::vector<WrongPrediction> WrongPredictions::Surest() const {
  std::vector<WrongPrediction> sorted = kept_;
  std::sort(sorted.begin(), sorted.end(), IsSurer);
  return sorted;
}

}  // namespace distill::core
