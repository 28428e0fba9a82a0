#include "core/checkpoint/initial_weights.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/base/plain_text.h"
#include "core/checkpoint/fitting_architecture.h"
#include "core/checkpoint/state_dict.h"
#include "core/checkpoint/timm_names.h"

namespace distill::core {
namespace {

using TensorTable = std::unordered_map<std::string_view, const NamedTensor*>;

TensorTable TableOf(const NamedTensors& tensors) {
  TensorTable table;
  for (const NamedTensor& named : tensors) table.emplace(named.name, &named);
  return table;
}

bool IsOptional(const NamedTensor& named) { return EndsWith(named.name, "num_batches_tracked"); }

bool IsHead(const Model& model, std::string_view name) {
  const auto names = model.classifier_names();
  return name == names.first || name == names.second;
}

/// Returns up to a few texts, joined by commas, and how many more there are.
std::string ListSome(const std::vector<std::string>& texts, size_t max_listed = 5) {
  std::string list;
  for (size_t index = 0; index < std::min(max_listed, texts.size()); ++index) {
    list += (index == 0 ? "" : ", ") + texts[index];
  }
  if (texts.size() > max_listed) {
    list += " and " + std::to_string(texts.size() - max_listed) + " more";
  }
  return list.empty() ? "none" : list;
}

std::vector<std::string> NamesOf(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& named : tensors) names.push_back(named.name);
  return names;
}

std::string ShapeText(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

/// The names that a file may have for a model's tensors: its own, and timm's.
struct KnownNames {
  explicit KnownNames(const NamedTensors& state) : timm(TimmNames(state)) {
    for (size_t i = 0; i < state.size(); ++i) {
      own.emplace(state[i].name, state[i].name);
      own.emplace(timm[i], state[i].name);
    }
  }

  std::vector<std::string> timm;
  std::unordered_map<std::string_view, std::string_view> own;  // by either name
};

size_t CountHits(const NamedTensors& tensors, const KnownNames& known, std::string_view prefix) {
  return static_cast<size_t>(
      std::count_if(tensors.begin(), tensors.end(), [&](const NamedTensor& named) {
        const std::string_view name = named.name;
        return name.substr(0, prefix.size()) == prefix &&
               known.own.count(name.substr(prefix.size())) > 0;
      }));
}

/// Returns the file's tensors without wrapper prefixes, or, where a part of a larger system matches
/// better, that part alone (e.g. "model." beside "criterion.").
NamedTensors Unwrap(NamedTensors tensors, const KnownNames& known) {
  constexpr size_t kMaxPrefixes = 32;
  StripWrapperPrefixes(tensors);
  std::vector<std::string> prefixes;
  for (const NamedTensor& named : tensors) {
    const std::string prefix = named.name.substr(0, named.name.find('.') + 1);
    const bool is_known = std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
    if (!is_known && prefixes.size() < kMaxPrefixes) prefixes.push_back(prefix);
  }
  std::string best;
  size_t best_hits = CountHits(tensors, known, "");
  for (const std::string& prefix : prefixes) {
    const size_t hits = CountHits(tensors, known, prefix);
    if (hits > best_hits) {
      best = prefix;
      best_hits = hits;
    }
  }
  if (best.empty()) return tensors;
  NamedTensors part;
  for (NamedTensor& named : tensors) {
    if (named.name.compare(0, best.size(), best) != 0) continue;
    named.name.erase(0, best.size());
    part.push_back(std::move(named));
  }
  return part;
}

/// Returns the file's tensors, unwrapped, under the names that the model uses. Timm's and own names
/// have nothing in common where they differ, so that a file is never of both.
NamedTensors UnderOwnNames(const NamedTensors& tensors, const NamedTensors& state) {
  const KnownNames known(state);
  NamedTensors file = Unwrap(tensors, known);
  for (NamedTensor& named : file) {
    const auto own = known.own.find(named.name);
    if (own != known.own.end()) named.name = std::string(own->second);
  }
  return file;
}

/// Returns the end of a message that says what the file is of, where that is known.
std::string FitText(const NamedTensors& file) {
  const std::string_view name = FittingArchitecture(file);
  return name.empty() ? "" : "; the file is of the model " + std::string(name);
}

/// Returns why `source` cannot stand for `target`, or an empty text.
std::string Mismatch(const at::Tensor& source, const at::Tensor& target) {
  if (source.sizes() != target.sizes()) {
    return "has shape " + ShapeText(source) + " in the file, " + ShapeText(target) +
           " in the model";
  }
  if (at::isFloatingType(source.scalar_type()) != at::isFloatingType(target.scalar_type())) {
    return "has a dtype of another kind";
  }
  return "";
}

/// Returns the class count of the file's classifier where it alone makes the head unusable, else 0.
int64_t OtherClassCount(const Model& model, const TensorTable& found, const TensorTable& wanted) {
  const std::string weight = model.classifier_names().first;
  const auto source = found.find(weight);
  const auto target = wanted.find(weight);
  if (source == found.end() || target == wanted.end()) return 0;
  const at::Tensor& theirs = source->second->tensor;
  const at::Tensor& ours = target->second->tensor;
  const bool fits = theirs.dim() == ours.dim() && theirs.dim() > 0 &&
                    theirs.sizes().slice(1) == ours.sizes().slice(1);
  return fits && theirs.size(0) != ours.size(0) ? theirs.size(0) : 0;
}

/// What can be copied, and the report that will hold once it is.
struct Plan {
  LoadReport report;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;  // from, to
  size_t num_matched_parameters = 0;                      // outside the classifier
  size_t num_parameters = 0;
};

Plan MakePlan(const Model& model, const NamedTensors& state, const NamedTensors& file) {
  const TensorTable wanted = TableOf(state);
  const TensorTable found = TableOf(file);
  Plan plan;
  plan.report.replaced_head_classes = OtherClassCount(model, found, wanted);
  for (const NamedTensor& named : file) {
    const auto target = wanted.find(named.name);
    if (target == wanted.end()) {
      plan.report.skipped.push_back({named.name, "is not part of the model"});
      continue;
    }
    std::string reason = Mismatch(named.tensor, target->second->tensor);
    if (plan.report.replaced_head_classes > 0 && IsHead(model, named.name)) {
      reason = "the file has " + std::to_string(plan.report.replaced_head_classes) + " classes";
    }
    if (!reason.empty()) {
      plan.report.skipped.push_back({named.name, std::move(reason)});
      continue;
    }
    plan.report.loaded.push_back(named.name);
    plan.copies.emplace_back(named.tensor, target->second->tensor);
  }
  const std::vector<std::string>& loaded = plan.report.loaded;
  const std::unordered_map<std::string_view, bool> is_loaded = [&] {
    std::unordered_map<std::string_view, bool> table;
    for (const std::string& name : loaded) table.emplace(name, true);
    return table;
  }();
  for (const NamedTensor& named : state) {
    const bool has_match = is_loaded.count(named.name) > 0;
    if (!has_match && !IsOptional(named)) plan.report.missing.push_back(named.name);
    if (named.kind == TensorKind::kBuffer || IsHead(model, named.name)) continue;
    ++plan.num_parameters;
    plan.num_matched_parameters += has_match ? 1 : 0;
  }
  return plan;
}

Status CheckFinite(const Plan& plan) {
  for (size_t index = 0; index < plan.copies.size(); ++index) {
    const at::Tensor& source = plan.copies[index].first;
    if (at::isFloatingType(source.scalar_type()) &&
        !source.to(at::kFloat).isfinite().all().item<bool>()) {
      return Status(Code::kDataLoss,
                    "the weights hold infinite or undefined values: " + plan.report.loaded[index]);
    }
  }
  return Status::Ok();
}

Status Apply(const Plan& plan) {
  const at::NoGradGuard no_grad;
  DISTILL_RETURN_IF_ERROR(CheckFinite(plan));
  for (const auto& [source, target] : plan.copies) target.copy_(source);
  return Status::Ok();
}

/// Returns the architecture that the file is of where that is another than the model's: one that
/// shares most of its tensors would load in part, and compute something else.
std::string_view OtherArchitecture(const Model& model, const NamedTensors& file, const Plan& plan) {
  const auto& skipped = plan.report.skipped;
  const bool differs = plan.num_matched_parameters < plan.num_parameters ||
                       std::any_of(skipped.begin(), skipped.end(),
                                   [&](const auto& entry) { return !IsHead(model, entry.name); });
  return differs ? FittingArchitecture(file) : "";
}

std::string SkippedText(const std::vector<LoadReport::Skipped>& skipped) {
  std::vector<std::string> texts;
  for (const LoadReport::Skipped& entry : skipped) {
    texts.push_back(entry.name + " (" + entry.reason + ")");
  }
  return ListSome(texts);
}

}  // namespace

std::string LoadReport::ToString() const {
  std::string text = "loaded " + std::to_string(loaded.size()) + " tensors";
  if (replaced_head_classes > 0) {
    text += "; fresh classifier, for the file's has " + std::to_string(replaced_head_classes) +
            " classes";
  }
  if (!skipped.empty()) {
    text += "; skipped " + std::to_string(skipped.size()) + " of the file: " + SkippedText(skipped);
  }
  if (!missing.empty()) {
    text +=
        "; left fresh " + std::to_string(missing.size()) + " of the model: " + ListSome(missing);
  }
  return text;
}

Result<LoadReport> LoadMatching(Model& model, const NamedTensors& tensors,
                                const LoadMatchingOptions& options) {
  const NamedTensors state = model.State();
  const NamedTensors file = UnderOwnNames(tensors, state);
  Plan plan = MakePlan(model, state, file);
  const double needed = options.min_matched_share * static_cast<double>(plan.num_parameters);
  const auto matched = static_cast<double>(plan.num_matched_parameters);
  if (plan.copies.empty() || matched < needed) {
    return Status(Code::kInvalidArgument,
                  "the weights are of another architecture: they match " +
                      std::to_string(plan.num_matched_parameters) + " of the model's " +
                      std::to_string(plan.num_parameters) + " parameters; the model has " +
                      ListSome(plan.report.missing, 3) + "; the file has " +
                      ListSome(NamesOf(file), 3) + FitText(file));
  }
  const std::string_view other = OtherArchitecture(model, file, plan);
  if (!other.empty()) {
    return Status(Code::kInvalidArgument, "the weights are of another architecture, the model " +
                                              std::string(other) + ": " + plan.report.ToString());
  }
  DISTILL_RETURN_IF_ERROR(Apply(plan));
  return std::move(plan.report);
}

Status LoadExact(Model& model, const NamedTensors& tensors) {
  const NamedTensors state = model.State();
  const TensorTable wanted = TableOf(state);
  const NamedTensors file = UnderOwnNames(tensors, state);
  const Plan plan = MakePlan(model, state, file);
  const LoadReport& report = plan.report;
  const auto is_head = [&](const std::string& name) { return IsHead(model, name); };
  const bool only_head_differs =
      report.replaced_head_classes > 0 &&
      std::all_of(report.missing.begin(), report.missing.end(), is_head) &&
      std::all_of(report.skipped.begin(), report.skipped.end(),
                  [&](const LoadReport::Skipped& entry) { return is_head(entry.name); });
  if (only_head_differs) {
    const at::Tensor& head = wanted.at(model.classifier_names().first)->tensor;
    return Status(Code::kInvalidArgument,
                  "the weights were trained for " + std::to_string(report.replaced_head_classes) +
                      " classes, the data set has " + std::to_string(head.size(0)));
  }
  if (!report.missing.empty() || !report.skipped.empty()) {
    return Status(Code::kInvalidArgument,
                  "the weights do not fit the model; the file lacks: " + ListSome(report.missing) +
                      "; the file also has: " + SkippedText(report.skipped) + FitText(file));
  }
  return Apply(plan);
}

}  // namespace distill::core
