#include "core/checkpoint/fitting_architecture.h"

#include <map>
#include <string>
#include <vector>

#include "core/base/architecture.h"
#include "core/base/plain_text.h"
#include "core/checkpoint/timm_names.h"
#include "core/model/model.h"

namespace distill::core {
namespace {

bool IsStatistic(std::string_view name) {
  return EndsWith(name, "running_mean") || EndsWith(name, "running_var") ||
         EndsWith(name, "num_batches_tracked");
}

/// Returns how many classes the file has if it is of `architecture`, or 0 if it cannot be.
int64_t ClassesOf(const Architecture& architecture, int64_t parameters) {
  const int64_t more = parameters - architecture.parameters;
  const int64_t per_class = architecture.embedding + 1;
  const int64_t classes = architecture.published_classes + more / per_class;
  return more % per_class == 0 && classes > 0 ? classes : 0;
}

bool Fits(const std::map<std::string_view, const NamedTensor*>& file, const NamedTensors& state) {
  const std::vector<std::string> timm_names = TimmNames(state);
  for (size_t i = 0; i < state.size(); ++i) {
    if (IsStatistic(state[i].name)) continue;
    auto found = file.find(state[i].name);
    if (found == file.end()) found = file.find(timm_names[i]);
    if (found == file.end() || found->second->tensor.sizes() != state[i].tensor.sizes()) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view FittingArchitecture(const NamedTensors& file) {
  std::map<std::string_view, const NamedTensor*> table;
  int64_t parameters = 0;
  for (const NamedTensor& named : file) {
    table.emplace(named.name, &named);
    if (!IsStatistic(named.name)) parameters += named.tensor.numel();
  }
  for (const Architecture& architecture : Architectures()) {
    const int64_t classes = ClassesOf(architecture, parameters);
    if (classes == 0) continue;
    const auto model = CreateModel(architecture.name, classes);
    if (model.ok() && Fits(table, (*model)->State())) return architecture.name;
  }
  return "";
}

}  // namespace distill::core
