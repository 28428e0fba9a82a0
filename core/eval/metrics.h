#pragma once

#include <cstdint>
#include <vector>

namespace distill::core {

/// What a pass over labelled images counts.
struct EvalCounts {
  int64_t num_classes = 0;
  /// [num_classes * num_classes], row by row: images of class `row` taken for class `column`.
  std::vector<int64_t> confusion;
  int64_t num_top5 = 0;  // images whose label is among the five highest logits
  /// The loss, in nats: weighted_loss_sum / loss_weight + loss_sum / images (TaskLossSums()).
  double weighted_loss_sum = 0.0;
  double loss_weight = 0.0;
  double loss_sum = 0.0;
};

/// Of one class. A figure whose denominator is 0 is 0 (scikit-learn's zero_division=0).
struct ClassMetrics {
  int64_t num_images = 0;     // that are of the class
  int64_t num_predicted = 0;  // that were taken for it
  int64_t num_correct = 0;
  double precision = 0.0;  // num_correct / num_predicted
  double recall = 0.0;     // num_correct / num_images
  double f1 = 0.0;         // 2 * num_correct / (num_images + num_predicted)
};

/// An image that was taken for another class. Scores are the network's probabilities, in [0, 1].
struct WrongPrediction {
  int64_t index = 0;  // position in the split's entries
  int64_t true_class = 0;
  int64_t predicted_class = 0;
  double predicted_score = 0.0;
  double true_score = 0.0;
};

/// All fractions lie in [0, 1].
struct EvalMetrics {
  int64_t num_images = 0;
  double accuracy = 0.0;
  /// Mean recall (MPA, "mean per-class accuracy") over the classes that have images: classes
  /// without one are left out, as there is nothing to get right.
  double mean_class_accuracy = 0.0;
  double top5_accuracy = 0.0;
  double loss = 0.0;  // mean over images, by their weights where they have any, in nats
  /// Cohen's kappa: (accuracy - chance) / (1 - chance). 0 when chance alone is perfect, i.e. one
  /// class throughout.
  double kappa = 0.0;
  /// Means of the classes' figures over those that occur in labels or predictions, as
  /// scikit-learn's average="macro".
  double macro_precision = 0.0;
  double macro_recall = 0.0;
  double macro_f1 = 0.0;
  std::vector<ClassMetrics> classes;
  /// As in EvalCounts.
  std::vector<int64_t> confusion;
};

/// Returns the metrics of `counts`; all are 0 when there are no images.
/// REQUIRES: confusion has num_classes^2 entries, none negative.
EvalMetrics ComputeMetrics(const EvalCounts& counts);

}  // namespace distill::core
