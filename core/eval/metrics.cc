#include "core/eval/metrics.h"

#include <cassert>
#include <cstddef>
#include <numeric>

namespace distill::core {
namespace {

double Ratio(double numerator, double denominator) {
  return denominator == 0 ? 0.0 : numerator / denominator;
}

double Ratio(int64_t numerator, int64_t denominator) {
  return Ratio(static_cast<double>(numerator), static_cast<double>(denominator));
}

std::vector<ClassMetrics> CountClasses(const EvalCounts& counts) {
  const auto num_classes = static_cast<size_t>(counts.num_classes);
  std::vector<ClassMetrics> classes(num_classes);
  for (size_t row = 0; row < num_classes; ++row) {
    for (size_t column = 0; column < num_classes; ++column) {
      const int64_t count = counts.confusion[row * num_classes + column];
      classes[row].num_images += count;
      classes[column].num_predicted += count;
      if (row == column) classes[row].num_correct = count;
    }
  }
  for (ClassMetrics& of : classes) {
    of.precision = Ratio(of.num_correct, of.num_predicted);
    of.recall = Ratio(of.num_correct, of.num_images);
    of.f1 = Ratio(2 * of.num_correct, of.num_images + of.num_predicted);
  }
  return classes;
}

void AverageClasses(EvalMetrics& metrics) {
  int64_t num_with_images = 0;
  int64_t num_seen = 0;
  double recall_with_images = 0;
  for (const ClassMetrics& of : metrics.classes) {
    if (of.num_images > 0) {
      ++num_with_images;
      recall_with_images += of.recall;
    }
    if (of.num_images + of.num_predicted == 0) continue;
    ++num_seen;
    metrics.macro_precision += of.precision;
    metrics.macro_recall += of.recall;
    metrics.macro_f1 += of.f1;
  }
  const auto num_averaged = static_cast<double>(num_seen);
  metrics.macro_precision = Ratio(metrics.macro_precision, num_averaged);
  metrics.macro_recall = Ratio(metrics.macro_recall, num_averaged);
  metrics.macro_f1 = Ratio(metrics.macro_f1, num_averaged);
  metrics.mean_class_accuracy = Ratio(recall_with_images, static_cast<double>(num_with_images));
}

double Kappa(const EvalMetrics& metrics) {
  const auto num_images = static_cast<double>(metrics.num_images);
  double chance = 0;
  for (const ClassMetrics& of : metrics.classes) {
    chance += (static_cast<double>(of.num_images) / num_images) *
              (static_cast<double>(of.num_predicted) / num_images);
  }
  return Ratio(metrics.accuracy - chance, 1.0 - chance);
}

}  // namespace

EvalMetrics ComputeMetrics(const EvalCounts& counts) {
  assert(counts.confusion.size() == static_cast<size_t>(counts.num_classes * counts.num_classes));
  EvalMetrics metrics;
  metrics.confusion = counts.confusion;
  metrics.classes = CountClasses(counts);
  metrics.num_images =
      std::accumulate(counts.confusion.begin(), counts.confusion.end(), int64_t{0});
  if (metrics.num_images == 0) return metrics;

  int64_t num_correct = 0;
  for (const ClassMetrics& of : metrics.classes) num_correct += of.num_correct;
  metrics.accuracy = Ratio(num_correct, metrics.num_images);
  metrics.top5_accuracy = Ratio(counts.num_top5, metrics.num_images);
  metrics.loss = Ratio(counts.weighted_loss_sum, counts.loss_weight) +
                 Ratio(counts.loss_sum, static_cast<double>(metrics.num_images));
  metrics.kappa = Kappa(metrics);
  AverageClasses(metrics);
  return metrics;
}

}  // namespace distill::core
