#include "core/loss/task_loss.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

// Logits and weights in one precision, ready for any of the losses.
struct Prediction {
  at::Tensor logits;
  at::Tensor class_weights;
};

// The labels of a batch, or those that were mixed in, with BatchLabels::mean_weight of them.
struct Target {
  at::Tensor labels;
  at::Tensor mean_weight;
};

at::Tensor CrossEntropy(const Prediction& prediction, const Target& target, double smoothing) {
  constexpr int64_t kNoIgnoredLabel = -100;
  const at::Tensor loss =
      at::cross_entropy_loss(prediction.logits, target.labels, prediction.class_weights,
                             at::Reduction::Mean, kNoIgnoredLabel, smoothing);
  if (!target.mean_weight.defined()) return loss;
  // It was divided by the weights of this part.
  const at::Tensor own = prediction.class_weights.index_select(0, target.labels).mean();
  return loss * (own / target.mean_weight.to(own.scalar_type()));
}

// Poly's own part, of each image: [batch, 1].
at::Tensor PolyOfImages(const at::Tensor& logits, const at::Tensor& labels, double epsilon) {
  const at::Tensor label_probability =
      at::log_softmax(logits, 1).gather(1, labels.unsqueeze(1)).exp();
  return epsilon * (1.0 - label_probability);
}

at::Tensor Poly(const Prediction& prediction, const Target& target,
                const TaskLossOptions& options) {
  return CrossEntropy(prediction, target, options.label_smoothing) +
         PolyOfImages(prediction.logits, target.labels, options.poly_epsilon).mean();
}

at::Tensor Focal(const Prediction& prediction, const at::Tensor& labels,
                 const TaskLossOptions& options) {
  constexpr double kProbabilityOffset = 1e-7;
  constexpr double kSmallestBase = 1e-12;  // keeps the power's gradient finite at p = 1
  const int64_t num_classes = prediction.logits.size(1);
  const double off_target =
      num_classes > 1 ? options.label_smoothing / static_cast<double>(num_classes - 1) : 0.0;
  const at::Tensor target = at::one_hot(labels, num_classes)
                                .to(prediction.logits.scalar_type())
                                .clamp_min(off_target)
                                .clamp_max(1.0 - options.label_smoothing);

  const at::Tensor probability = at::softmax(prediction.logits, 1) + kProbabilityOffset;
  const at::Tensor focus = (1.0 - probability).clamp_min(kSmallestBase).pow(options.focal_gamma);
  at::Tensor loss = -(focus * probability.log() * target).sum(1);
  if (prediction.class_weights.defined()) {
    loss = loss * prediction.class_weights.index_select(0, labels);
  }
  return loss.mean();
}

at::Tensor LossOfLabels(const Prediction& prediction, const Target& target,
                        const TaskLossOptions& options) {
  switch (options.kind) {
    case TaskLossKind::kPoly:
      return Poly(prediction, target, options);
    case TaskLossKind::kFocal:
      return Focal(prediction, target.labels, options);
    case TaskLossKind::kCrossEntropy:
      break;
  }
  return CrossEntropy(prediction, target, options.label_smoothing);
}

Prediction PredictionOf(const at::Tensor& logits, const at::Tensor& class_weights) {
  Prediction prediction;
  prediction.logits = LiftHalf(logits);
  if (class_weights.defined()) {
    prediction.class_weights = class_weights.to(prediction.logits.scalar_type());
  }
  return prediction;
}

}  // namespace

at::Tensor TaskLoss(const at::Tensor& logits, const BatchLabels& labels,
                    const at::Tensor& class_weights, const TaskLossOptions& options) {
  const AutocastOff autocast_off;
  const Prediction prediction = PredictionOf(logits, class_weights);
  const at::Tensor loss = LossOfLabels(prediction, {labels.labels, labels.mean_weight}, options);
  if (!labels.is_mixed()) return loss;
  return labels.lambda * loss +
         (1.0 - labels.lambda) *
             LossOfLabels(prediction, {labels.mixed_labels, labels.mixed_mean_weight}, options);
}

at::Tensor TaskLossSums(const at::Tensor& logits, const at::Tensor& labels,
                        const at::Tensor& class_weights, const TaskLossOptions& options) {
  const AutocastOff autocast_off;
  const Prediction prediction = PredictionOf(logits, class_weights);
  const at::Tensor none = at::zeros({}, prediction.logits.options());
  const double num_images = static_cast<double>(labels.size(0));
  if (options.kind == TaskLossKind::kFocal) {
    const at::Tensor sum = Focal(prediction, labels, options) * num_images;
    return at::stack({none, none, sum}).to(at::kDouble);
  }
  constexpr int64_t kNoIgnoredLabel = -100;
  const at::Tensor weighted =
      at::cross_entropy_loss(prediction.logits, labels, prediction.class_weights,
                             at::Reduction::Sum, kNoIgnoredLabel, options.label_smoothing);
  const at::Tensor weight = prediction.class_weights.defined()
                                ? prediction.class_weights.index_select(0, labels).sum()
                                : none + num_images;
  const at::Tensor plain = options.kind == TaskLossKind::kPoly
                               ? PolyOfImages(prediction.logits, labels, options.poly_epsilon).sum()
                               : none;
  return at::stack({weighted, weight, plain}).to(at::kDouble);
}

at::Tensor ClassBalanceWeights(const std::vector<int64_t>& class_counts) {
  const auto num_images =
      static_cast<double>(std::accumulate(class_counts.begin(), class_counts.end(), int64_t{0}));
  const auto num_classes = static_cast<double>(class_counts.size());
  at::Tensor weights = at::zeros({static_cast<int64_t>(class_counts.size())}, at::kFloat);
  float* out = weights.data_ptr<float>();
  for (size_t i = 0; i < class_counts.size(); ++i) {
    if (class_counts[i] == 0) continue;
    const double share = num_images / (num_classes * static_cast<double>(class_counts[i]));
    out[i] = static_cast<float>(std::sqrt(share));
  }
  return weights;
}

}  // namespace distill::core
