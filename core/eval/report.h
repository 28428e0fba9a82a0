#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/eval/fidelity_metrics.h"
#include "core/eval/metrics.h"

namespace distill::core {

struct WrongImage {
  std::filesystem::path path;
  WrongPrediction prediction;
};

/// Of more classes the matrix of counts (its size grows with their square) is in ConfusionCsv
/// alone.
constexpr size_t kMaxConfusionClasses = 1024;

/// The result of an evaluation with what it is of. Text is UTF-8.
struct EvalReport {
  EvalMetrics metrics;
  /// One for each class of `metrics`.
  std::vector<std::string> class_names;
  double images_per_second = 0.0;           // 0 = not measured
  double calibration_error = 0.0;           // see CalibrationAccumulator
  std::optional<FidelityMetrics> fidelity;  // where there were teachers
  int64_t num_wrong = 0;
  /// Those images of the wrong ones that the network was surest of, surest first.
  std::vector<WrongImage> wrong;
  /// What was evaluated, e.g. {"split", "test"}: written as it is, by name.
  std::map<std::string, std::string> facts;
};

/// Render a report as CSV (RFC 4180, with a header line and LF line ends; numbers in the shortest
/// form that reads back equal):
/// - OverallCsv: one line with the facts and all overall metrics;
/// - ClassCsv: one line for each class; recall_difference is the model's less the teacher's;
/// - ConfusionCsv: one line for each true class, one column for each predicted, counts of images.
std::string OverallCsv(const EvalReport& report);
std::string ClassCsv(const EvalReport& report);
std::string ConfusionCsv(const EvalReport& report);

/// Renders a report as one JSON object: "facts", the overall metrics, "classes" and "confusion"
/// (rows of counts; absent for more than kMaxConfusionClasses classes). Bytes that are not UTF-8
/// become U+FFFD; a number that is not finite is null.
std::string ReportJson(const EvalReport& report);

}  // namespace distill::core
