#include "core/eval/report.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace distill::core {
namespace {

// A line of CSV under construction.
class CsvLine {
 public:
  CsvLine& Add(std::string_view text) {
    if (num_fields_++ > 0) line_ += ',';
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
      line_ += text;
      return *this;
    }
    line_ += '"';
    for (const char c : text) {
      if (c == '"') line_ += '"';
      line_ += c;
    }
    line_ += '"';
    return *this;
  }

  CsvLine& Add(double number) {
    std::array<char, 32> text{};
    const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
    return Add(std::string_view(text.data(), static_cast<size_t>(result.ptr - text.data())));
  }

  CsvLine& Add(int64_t number) { return Add(std::string_view(std::to_string(number))); }

  std::string Finish() { return std::move(line_) + '\n'; }

 private:
  std::string line_;
  size_t num_fields_ = 0;
};

// The overall metrics with their names in files, in order.
std::vector<std::pair<const char*, double>> OverallMetrics(const EvalReport& report) {
  const EvalMetrics& metrics = report.metrics;
  std::vector<std::pair<const char*, double>> all = {
      {"accuracy", metrics.accuracy},
      {"mpa", metrics.mean_class_accuracy},
      {"top5_accuracy", metrics.top5_accuracy},
      {"loss", metrics.loss},
      {"ece", report.calibration_error},
      {"kappa", metrics.kappa},
      {"precision_macro", metrics.macro_precision},
      {"recall_macro", metrics.macro_recall},
      {"f1_macro", metrics.macro_f1},
      {"images_per_second", report.images_per_second}};
  if (report.fidelity) {
    all.emplace_back("teacher_accuracy", report.fidelity->teacher_accuracy);
    all.emplace_back("teacher_agreement", report.fidelity->agreement);
    all.emplace_back("teacher_kl", report.fidelity->kl);
  }
  return all;
}

}  // namespace

std::string OverallCsv(const EvalReport& report) {
  CsvLine header;
  CsvLine values;
  for (const auto& [name, value] : report.facts) {
    header.Add(name);
    values.Add(value);
  }
  header.Add("images");
  values.Add(report.metrics.num_images);
  for (const auto& [name, value] : OverallMetrics(report)) {
    header.Add(name);
    values.Add(value);
  }
  return header.Finish() + values.Finish();
}

std::string ClassCsv(const EvalReport& report) {
  std::string text = "class,images,predicted,correct,precision,recall,f1";
  text += report.fidelity ? ",teacher_recall,recall_difference,teacher_agreement\n" : "\n";
  for (size_t i = 0; i < report.metrics.classes.size(); ++i) {
    const ClassMetrics& of = report.metrics.classes[i];
    CsvLine line;
    line.Add(report.class_names.at(i));
    line.Add(of.num_images).Add(of.num_predicted).Add(of.num_correct);
    line.Add(of.precision).Add(of.recall).Add(of.f1);
    if (report.fidelity) {
      const double recall = report.fidelity->class_recall.at(i);
      line.Add(recall).Add(of.recall - recall).Add(report.fidelity->class_agreement.at(i));
    }
    text += line.Finish();
  }
  return text;
}

std::string ConfusionCsv(const EvalReport& report) {
  const size_t num_classes = report.metrics.classes.size();
  CsvLine header;
  header.Add("true class");
  for (const std::string& name : report.class_names) header.Add(name);
  std::string text = header.Finish();
  for (size_t row = 0; row < num_classes; ++row) {
    CsvLine line;
    line.Add(report.class_names.at(row));
    for (size_t column = 0; column < num_classes; ++column) {
      line.Add(report.metrics.confusion.at(row * num_classes + column));
    }
    text += line.Finish();
  }
  return text;
}

std::string ReportJson(const EvalReport& report) {
  using Json = nlohmann::ordered_json;
  constexpr int kIndent = 2;
  const EvalMetrics& metrics = report.metrics;
  Json json;
  json["facts"] = Json::object();
  for (const auto& [name, value] : report.facts) json["facts"][name] = value;
  json["images"] = metrics.num_images;
  for (const auto& [name, value] : OverallMetrics(report)) json[name] = value;
  json["classes"] = Json::array();
  const size_t num_classes = metrics.classes.size();
  const bool has_confusion = num_classes <= kMaxConfusionClasses;
  if (has_confusion) json["confusion"] = Json::array();
  for (size_t i = 0; i < num_classes; ++i) {
    const ClassMetrics& of = metrics.classes[i];
    Json entry;
    entry["class"] = report.class_names.at(i);
    entry["images"] = of.num_images;
    entry["predicted"] = of.num_predicted;
    entry["correct"] = of.num_correct;
    entry["precision"] = of.precision;
    entry["recall"] = of.recall;
    entry["f1"] = of.f1;
    if (report.fidelity) {
      entry["teacher_recall"] = report.fidelity->class_recall.at(i);
      entry["teacher_agreement"] = report.fidelity->class_agreement.at(i);
    }
    json["classes"].push_back(std::move(entry));
    if (!has_confusion) continue;
    const auto row = metrics.confusion.begin() + static_cast<std::ptrdiff_t>(i * num_classes);
    json["confusion"].push_back(
        std::vector<int64_t>(row, row + static_cast<std::ptrdiff_t>(num_classes)));
  }
  return json.dump(kIndent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + '\n';
}

}  // namespace distill::core
