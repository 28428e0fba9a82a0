#include "client/report/evaluation_section.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "client/enum_text.h"
#include "client/output/html_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

constexpr int kMaxNumberedClasses = 24;  // more do not fit a page as numbers
constexpr size_t kMaxPairs = 12;
constexpr int kFoldedClasses = 30;

struct ConfusedPair {
  int truth = 0;
  int predicted = 0;
  int64_t count = 0;
};

int64_t CountAt(const v1::Evaluation& evaluation, int truth, int predicted) {
  return evaluation.confusion(truth * evaluation.classes_size() + predicted);
}

double ShareOfRow(const v1::Evaluation& evaluation, int truth, int predicted) {
  const auto images = static_cast<double>(evaluation.classes(truth).images());
  return images > 0 ? static_cast<double>(CountAt(evaluation, truth, predicted)) / images : 0;
}

std::string Figures(const v1::Evaluation& evaluation) {
  static constexpr std::array kNames = {"accuracy",
                                        "mpa",
                                        "top5_accuracy",
                                        "loss",
                                        "ece",
                                        "kappa",
                                        "f1_macro",
                                        "images_per_second",
                                        "teacher_accuracy",
                                        "teacher_agreement",
                                        "teacher_kl"};
  std::string html = "<dl class=\"figures\"><div><dt>images</dt><dd>" +
                     std::to_string(evaluation.images()) + "</dd></div>";
  for (const char* const name : kNames) {
    const auto found = evaluation.metrics().find(name);
    if (found == evaluation.metrics().end()) continue;
    html +=
        "<div><dt>" + std::string(name) + "</dt><dd>" + FixedText(found->second, 4) + "</dd></div>";
  }
  return html + "</dl>\n";
}

std::string Classes(const v1::Evaluation& evaluation) {
  std::vector<v1::ClassFigures> classes(evaluation.classes().begin(), evaluation.classes().end());
  if (classes.empty()) return "";
  std::stable_sort(classes.begin(), classes.end(),
                   [](const auto& left, const auto& right) { return left.f1() < right.f1(); });
  std::string html = evaluation.classes_size() > kFoldedClasses ? "<details>" : "<details open>";
  html +=
      "<summary>Classes, worst F1 first</summary><div class=\"scroll\"><table><thead><tr>"
      "<th>class</th><th class=\"n\">images</th><th class=\"n\">precision</th>"
      "<th class=\"n\">recall</th><th class=\"n\">F1</th><th></th></tr></thead><tbody>\n";
  for (const v1::ClassFigures& one : classes) {
    html += "<tr><td>" + HtmlText(one.name()) + "</td><td class=\"n\">" +
            std::to_string(one.images()) + "</td><td class=\"n\">" + FixedText(one.precision(), 4) +
            "</td><td class=\"n\">" + FixedText(one.recall(), 4) + "</td><td class=\"n\">" +
            FixedText(one.f1(), 4) + "</td><td><meter min=\"0\" max=\"1\" value=\"" +
            FixedText(one.f1(), 4) + "\"></meter></td></tr>\n";
  }
  return html + "</tbody></table></div></details>\n";
}

// Few classes: a table of numbers, each on the shade of its share of the true class.
std::string NumberedMatrix(const v1::Evaluation& evaluation) {
  std::string html =
      "<div class=\"scroll\"><table class=\"confusion\"><thead><tr><th>true \\ predicted</th>";
  for (const v1::ClassFigures& one : evaluation.classes()) {
    html += "<th class=\"n\">" + HtmlText(one.name()) + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (int truth = 0; truth < evaluation.classes_size(); ++truth) {
    html += "<tr><th>" + HtmlText(evaluation.classes(truth).name()) + "</th>";
    for (int predicted = 0; predicted < evaluation.classes_size(); ++predicted) {
      const double share = ShareOfRow(evaluation, truth, predicted);
      html += "<td class=\"" + std::string(truth == predicted ? "right" : "wrong") +
              (share > 0.55 ? " deep" : "") + "\" style=\"--share:" + FixedText(share, 3) + "\">" +
              std::to_string(CountAt(evaluation, truth, predicted)) + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

// Many classes: a picture, a square for each pair that occurs.
std::string DrawnMatrix(const v1::Evaluation& evaluation) {
  const std::string size = std::to_string(evaluation.classes_size());
  std::string html =
      "<p class=\"note\">Rows: true class, from the top; columns: predicted class, in the order of "
      "the names. A square tells its pair.</p><svg class=\"matrix\" viewBox=\"0 0 " +
      size + " " + size + "\" role=\"img\" aria-label=\"confusion matrix\">" +
      "<rect class=\"frame\" width=\"" + size + "\" height=\"" + size + "\"/>\n";
  for (int truth = 0; truth < evaluation.classes_size(); ++truth) {
    for (int predicted = 0; predicted < evaluation.classes_size(); ++predicted) {
      const int64_t count = CountAt(evaluation, truth, predicted);
      if (count == 0) continue;
      const double opacity = 0.15 + 0.85 * ShareOfRow(evaluation, truth, predicted);
      html += "<rect class=\"" + std::string(truth == predicted ? "right" : "wrong") + "\" x=\"" +
              std::to_string(predicted) + "\" y=\"" + std::to_string(truth) +
              "\" width=\"1\" height=\"1\" fill-opacity=\"" + FixedText(opacity, 2) + "\"><title>" +
              HtmlText(evaluation.classes(truth).name()) + " taken for " +
              HtmlText(evaluation.classes(predicted).name()) + ": " + std::to_string(count) +
              "</title></rect>\n";
    }
  }
  return html + "</svg>\n";
}

std::string MostConfused(const v1::Evaluation& evaluation) {
  std::vector<ConfusedPair> pairs;
  for (int truth = 0; truth < evaluation.classes_size(); ++truth) {
    for (int predicted = 0; predicted < evaluation.classes_size(); ++predicted) {
      const int64_t count = CountAt(evaluation, truth, predicted);
      if (truth != predicted && count > 0) pairs.push_back({truth, predicted, count});
    }
  }
  if (pairs.empty()) return "";
  std::stable_sort(
      pairs.begin(), pairs.end(),
      [](const ConfusedPair& left, const ConfusedPair& right) { return left.count > right.count; });
  if (pairs.size() > kMaxPairs) pairs.resize(kMaxPairs);
  std::string html =
      "<h5>Most confused</h5><div class=\"scroll\"><table><thead><tr><th>true</th><th>taken "
      "for</th>"
      "<th class=\"n\">images</th><th class=\"n\">of the class</th></tr></thead><tbody>\n";
  for (const ConfusedPair& pair : pairs) {
    html += "<tr><td>" + HtmlText(evaluation.classes(pair.truth).name()) + "</td><td>" +
            HtmlText(evaluation.classes(pair.predicted).name()) + "</td><td class=\"n\">" +
            std::to_string(pair.count) + "</td><td class=\"n\">" +
            FixedText(100 * ShareOfRow(evaluation, pair.truth, pair.predicted), 1) +
            " %</td></tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string Confusion(const v1::Evaluation& evaluation) {
  const int64_t classes = evaluation.classes_size();
  if (classes == 0 || evaluation.confusion_size() != classes * classes) return "";
  return "<h5>Confusion matrix</h5>\n" +
         (classes <= kMaxNumberedClasses ? NumberedMatrix(evaluation) : DrawnMatrix(evaluation)) +
         MostConfused(evaluation);
}

std::string Picture(const v1::WrongPrediction& one) {
  const std::string name = std::filesystem::path(one.path()).filename().string();
  std::string html = "<figure title=\"" + HtmlText(one.path()) + "\">";
  html += one.thumbnail().empty() ? "<div class=\"missing\">no picture</div>"
                                  : "<img alt=\"" + HtmlText(name) + "\" src=\"" +
                                        DataUrl("image/jpeg", one.thumbnail()) + "\">";
  return html + "<figcaption><b>" + HtmlText(one.true_class()) + "</b> " +
         FixedText(one.true_score(), 2) + "<br>taken for <b class=\"bad\">" +
         HtmlText(one.predicted_class()) + "</b> " + FixedText(one.predicted_score(), 2) +
         "<br><small>" + HtmlText(name) + "</small></figcaption></figure>\n";
}

std::string WrongPictures(const JobReport::Evaluation& evaluation) {
  std::string html = "<h5>Wrong pictures</h5>\n";
  if (!evaluation.wrong) {
    return html + "<p class=\"note\">Not recorded: evaluate the job again to have them.</p>\n";
  }
  const v1::WrongPredictions& wrong = *evaluation.wrong;
  html += "<p class=\"note\">" + std::to_string(wrong.num_wrong()) + " of " +
          std::to_string(evaluation.figures.images()) + " images were taken for another class";
  html += wrong.predictions_size() < wrong.num_wrong()
              ? "; the " + std::to_string(wrong.predictions_size()) +
                    " that the network was surest of are shown.</p>\n"
              : ".</p>\n";
  html += "<div class=\"pictures\">\n";
  for (const v1::WrongPrediction& one : wrong.predictions()) html += Picture(one);
  return html + "</div>\n";
}

}  // namespace

std::string EvaluationHtml(const JobReport::Evaluation& evaluation) {
  const v1::EvalPass& pass = evaluation.figures.pass();
  const std::string split = EnumText(*v1::Split_descriptor(), pass.split());
  return "<section class=\"evaluation\"><h4>Evaluation on " + HtmlText(split) +
         (pass.tta() ? ", ten crops" : "") + " <small>" +
         TimeText(evaluation.figures.finished_at_unix_ms()) + "</small></h4>\n" +
         Figures(evaluation.figures) + Classes(evaluation.figures) + Confusion(evaluation.figures) +
         WrongPictures(evaluation) + "</section>\n";
}

}  // namespace distill::client
