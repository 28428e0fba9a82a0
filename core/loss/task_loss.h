#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace distill::core {

enum class TaskLossKind { kCrossEntropy, kPoly, kFocal };

struct TaskLossOptions {
  TaskLossKind kind = TaskLossKind::kCrossEntropy;
  double label_smoothing = 0.1;  // in [0, 1)
  double poly_epsilon = 2.0;     // kPoly
  double focal_gamma = 2.0;      // kFocal; at least 0
};

/// The labels of a batch: plain, or pairs where images were mixed (mixup, cutmix).
struct BatchLabels {
  /// [batch], int64, on the logits' device.
  at::Tensor labels;
  /// The labels of what was mixed in, in the same form. Undefined: nothing was mixed.
  at::Tensor mixed_labels;
  /// Share of `labels` in the mix, in [0, 1].
  double lambda = 1.0;
  /// Of a part of a larger batch: the mean class weight of `labels` and `mixed_labels` over all of
  /// it, scalars on the logits' device. Undefined: the batch is whole, or classes are not weighted.
  at::Tensor mean_weight{};
  at::Tensor mixed_mean_weight{};

  bool is_mixed() const { return mixed_labels.defined(); }
  /// Returns the labels that hold the larger share: what a prediction is counted against.
  const at::Tensor& dominant() const { return is_mixed() && lambda < 0.5 ? mixed_labels : labels; }
};

/// Returns the loss of `logits` [batch, classes] against `labels`: a scalar, in float32 or, for
/// float64 logits, float64, whatever autocast says. For mixed labels
/// lambda * L(labels) + (1 - lambda) * L(mixed_labels).
///
/// `class_weights`: [classes], on the logits' device, or undefined for none. With w the weights, e
/// the smoothing, C the number of classes, N of images, y the label and p the softmax:
/// - kCrossEntropy: sum_n [(1 - e) * w_y * -log p_y + e / C * sum_c w_c * -log p_c] / sum_n w_y, as
///   torch.nn.CrossEntropyLoss. Without images of weighted classes (sum_n w_y = 0) it is NaN.
///   Of a part of a batch, the parts' losses weighted by their numbers of images add up to that.
/// - kPoly: that + poly_epsilon * mean_n(1 - p_y), the second term without weights (Leng et al.
///   2022, "PolyLoss", eq. 6).
/// - kFocal: mean_n w_y * sum_c (1 - q_c)^gamma * -log(q_c) * t_c with q = p + 1e-7 and the target
///   t = 1 - e at the label, e / (C - 1) elsewhere (Lin et al. 2017, "Focal loss", eq. 4, in the
///   reference system's form: each target is clamped to [e / (C - 1), 1 - e]).
/// May throw c10::Error.
at::Tensor TaskLoss(const at::Tensor& logits, const BatchLabels& labels,
                    const at::Tensor& class_weights, const TaskLossOptions& options);

/// Returns the loss of `logits` against plain `labels` as sums, which can be added up over batches
/// of any sizes: [3], float64, on the logits' device. Of all of them the loss is first / second (0
/// where the second is 0: there are no images of weighted classes) + third / number of images. The
/// second is sum_n w_y; the third is what TaskLoss() takes the plain mean of. May throw c10::Error.
at::Tensor TaskLossSums(const at::Tensor& logits, const at::Tensor& labels,
                        const at::Tensor& class_weights, const TaskLossOptions& options);

/// Returns the weights sqrt(n / (C * n_c)) of `class_counts` n_c with sum n: rarer classes weigh
/// more. [C], float32, CPU. A class without images weighs 0. REQUIRES: no negative count.
at::Tensor ClassBalanceWeights(const std::vector<int64_t>& class_counts);

}  // namespace distill::core
