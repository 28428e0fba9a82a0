#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/checkpoint/pickle.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// The state_dict found in a pickle: names and tensors in file order, and the keys it was wrapped
/// in, joined by dots (empty where it was bare).
struct PickledStateDict {
  std::vector<std::pair<std::string, const PickleTensor*>> tensors;
  std::string wrapped_in;
};

/// Finds the state_dict in what a PyTorch file holds: a dict of tensors, bare or inside a
/// checkpoint under one of the keys in use ("state_dict", "model", ...). Values that are no tensors
/// are left out. kInvalidArgument: there is none; the message names the keys that were found.
Result<PickledStateDict> FindStateDict(PickleRef root);

/// Takes the prefixes that wrappers put before every name ("module.", "model.", "_orig_mod.") off,
/// as long as all names share one.
void StripWrapperPrefixes(NamedTensors& tensors);

}  // namespace distill::core
