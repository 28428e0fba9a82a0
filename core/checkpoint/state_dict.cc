#include "core/checkpoint/state_dict.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace distill::core {
namespace {

constexpr int kMaxWrappers = 3;
constexpr size_t kMaxStateNameBytes = 1000;
constexpr const char* kWrapperKeys[] = {
    "state_dict", "model_state_dict", "model_state", "model",
    "model_ema",  "state_dict_ema",   "ema",         "net",
    "network",    "weights",          "params",      "student",
    "module",     "encoder",          "backbone",    "generator",
};

/// Returns the value under `key`, the last one where it occurs twice, as Python does.
PickleRef Find(const PickleDict& dict, std::string_view key) {
  for (auto item = dict.items.rbegin(); item != dict.items.rend(); ++item) {
    const auto* text = item->first->As<std::string>();
    if (text != nullptr && *text == key) return item->second;
  }
  return nullptr;
}

int64_t CountTensors(const PickleDict& dict) {
  return std::count_if(dict.items.begin(), dict.items.end(), [](const auto& item) {
    return item.first->template As<std::string>() != nullptr &&
           item.second->template As<PickleTensor>() != nullptr;
  });
}

/// Returns the wrapper's key to go on with: the first whose dict holds tensors, or else the first
/// with a dict. nullptr: there is none.
const char* FindWrapper(const PickleDict& dict) {
  const char* fallback = nullptr;
  for (const char* key : kWrapperKeys) {
    const PickleRef value = Find(dict, key);
    const auto* inner = value == nullptr ? nullptr : value->As<PickleDict>();
    if (inner != nullptr && CountTensors(*inner) > 0) return key;
    if (inner != nullptr && fallback == nullptr) fallback = key;
  }
  return fallback;
}

std::string DescribeKeys(const PickleDict& dict) {
  constexpr size_t kMaxListed = 8;
  constexpr size_t kMaxKeyBytes = 40;
  std::string list;
  for (size_t index = 0; index < std::min(kMaxListed, dict.items.size()); ++index) {
    const auto* key = dict.items[index].first->As<std::string>();
    if (key != nullptr) list += (list.empty() ? "" : ", ") + key->substr(0, kMaxKeyBytes);
  }
  return list.empty() ? "none" : list;
}

Result<PickledStateDict> Collect(const PickleDict& dict, std::string wrapped_in) {
  PickledStateDict found;
  found.wrapped_in = std::move(wrapped_in);
  std::unordered_set<std::string_view> names;
  for (const auto& [key, value] : dict.items) {
    const auto* name = key->As<std::string>();
    const auto* tensor = value->As<PickleTensor>();
    if (name == nullptr || tensor == nullptr) continue;
    if (name->size() > kMaxStateNameBytes) {
      return Status(Code::kInvalidArgument, "a tensor's name is over 1000 bytes long");
    }
    if (!names.insert(*name).second) {
      return Status(Code::kInvalidArgument, "two tensors are named " + *name);
    }
    found.tensors.emplace_back(*name, tensor);
  }
  return found;
}

}  // namespace

Result<PickledStateDict> FindStateDict(PickleRef root) {
  std::string wrapped_in;
  const auto* dict = root->As<PickleDict>();
  if (dict == nullptr) {
    return Status(Code::kInvalidArgument,
                  "the file holds no state_dict, but another value: save one with "
                  "torch.save(model.state_dict(), path)");
  }
  const PickleDict& outermost = *dict;
  // A wrapper may hold tensors of its own (an accuracy that was never made a number): the dict with
  // the most is meant.
  const PickleDict* fullest = nullptr;
  std::string path_of_fullest;
  int64_t most = 1;
  for (int depth = 0; depth <= kMaxWrappers && dict != nullptr; ++depth) {
    const int64_t count = CountTensors(*dict);
    if (count >= most) {
      fullest = dict;
      path_of_fullest = wrapped_in;
      most = count;
    }
    const char* key = FindWrapper(*dict);
    if (key == nullptr) break;
    wrapped_in += (wrapped_in.empty() ? "" : ".") + std::string(key);
    dict = Find(*dict, key)->As<PickleDict>();
  }
  if (fullest != nullptr) return Collect(*fullest, std::move(path_of_fullest));
  return Status(Code::kInvalidArgument,
                "the file holds no state_dict; its keys are: " + DescribeKeys(outermost));
}

void StripWrapperPrefixes(NamedTensors& tensors) {
  constexpr std::string_view kPrefixes[] = {"module.", "model.", "_orig_mod."};
  const auto strip = [&](std::string_view prefix) {
    const bool all_share = std::all_of(tensors.begin(), tensors.end(), [&](const NamedTensor& t) {
      return t.name.size() > prefix.size() && t.name.compare(0, prefix.size(), prefix) == 0;
    });
    if (!all_share) return false;
    for (NamedTensor& named : tensors) named.name.erase(0, prefix.size());
    return true;
  };
  constexpr int kMaxRounds = 8;  // wrappers in wrappers; a hostile name may repeat one for ever
  bool has_changed = !tensors.empty();
  for (int round = 0; has_changed && round < kMaxRounds; ++round) {
    has_changed = false;
    for (const std::string_view prefix : kPrefixes) has_changed = strip(prefix) || has_changed;
  }
}

}  // namespace distill::core
