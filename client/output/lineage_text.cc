#include "client/output/lineage_text.h"

#include <algorithm>
#include <sstream>

#include "client/output/job_text.h"
#include "client/output/printable_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

void AddLine(std::string& text, const std::string& name, const std::string& value) {
  constexpr size_t kNameWidth = 17;
  if (value.empty()) return;
  text += "  " + name + std::string(kNameWidth - std::min(kNameWidth - 1, name.size()), ' ') +
          OneLine(value) + '\n';
}

std::string HashText(const std::string& sha256) {
  return sha256.empty() ? "no hash: it could not be read" : "sha256 " + sha256;
}

// Returns what became of a file that `file.job()` wrote.
std::string SourceText(const std::vector<LineageStep>& steps, const v1::LineageFile& file) {
  const auto source = std::find_if(steps.begin(), steps.end(), [&](const LineageStep& step) {
    return step.job.id() == file.job();
  });
  if (source == steps.end()) return "job " + file.job();
  const std::string job = source->job.name() + " (job " + file.job() + ")";
  for (const v1::Artifact& artifact : source->artifacts) {
    if (artifact.sha256() == file.sha256()) {
      return artifact.name() + " of " + job + ", attempt " + std::to_string(artifact.attempt());
    }
  }
  return "of " + job + ", which has no such file any more";
}

std::string FileText(const std::vector<LineageStep>& steps, const v1::LineageFile& file) {
  const std::string where = file.job().empty() ? file.path() : SourceText(steps, file);
  return file.model() + ", " + where + ", " + HashText(file.sha256());
}

std::string NumbersText(const google::protobuf::RepeatedField<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += (text.empty() ? "" : " ") + NumberText(number);
  return text;
}

void AddRun(const std::vector<LineageStep>& steps, const v1::Lineage& lineage, std::string& text) {
  AddLine(text, "programs",
          "distilld " + lineage.distill_version() + ", LibTorch " + lineage.libtorch_version() +
              ", worker " + HashText(lineage.worker_sha256()));
  AddLine(text, "spec", HashText(lineage.spec_sha256()));
  AddLine(text, "data set",
          lineage.dataset() + ", " + std::to_string(lineage.class_names_size()) +
              " classes, manifest " + HashText(lineage.manifest_sha256()));
  AddLine(text, "input",
          std::to_string(lineage.image_size()) + " px, mean " + NumbersText(lineage.mean()) +
              ", std " + NumbersText(lineage.std()));
  if (lineage.has_evaluated_weights()) {
    AddLine(text, "weights", FileText(steps, lineage.evaluated_weights()));
  } else {
    AddLine(text, "initial weights",
            lineage.has_initial_weights() ? FileText(steps, lineage.initial_weights())
                                          : "random, from the seed");
  }
  for (const v1::LineageFile& teacher : lineage.teachers()) {
    AddLine(text, "teacher", FileText(steps, teacher));
  }
}

}  // namespace

std::string LineageText(const std::vector<LineageStep>& steps, size_t index) {
  const LineageStep& step = steps.at(index);
  std::string text = step.job.name() + "  job " + step.job.id();
  if (step.lineage.attempt() != 0) text += ", attempt " + std::to_string(step.lineage.attempt());
  text += ", " + SummaryText(step.job) + '\n';
  AddLine(text, "lineage", step.reason);
  if (step.reason.empty()) AddRun(steps, step.lineage, text);
  for (const v1::Artifact& artifact : step.artifacts) {
    if (artifact.kind() != "model" || artifact.attempt() != step.lineage.attempt()) continue;
    AddLine(text, "wrote", artifact.name() + ", " + HashText(artifact.sha256()));
  }
  return text;
}

}  // namespace distill::client
