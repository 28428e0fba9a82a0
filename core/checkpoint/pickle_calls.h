#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/checkpoint/pickle.h"

namespace distill::core {

/// Returns ok where a pickle may name the Python object `name` ("module.attribute"): the allow-list
/// of what a tensor file needs. kInvalidArgument otherwise, with the name and the remedy.
Status CheckPickleGlobal(const std::string& name);

/// Returns what calling the allowed Python object `function` with `arguments` stands for.
/// kInvalidArgument: wrong arguments, or a tensor outside its storage.
Result<PickleValue> CallPickleGlobal(const std::string& function,
                                     const std::vector<PickleRef>& arguments);

/// Returns the storage that a persistent id stands for: ('storage', type, key, device, elements),
/// in the legacy form with a sixth item for views of other storages. The device is ignored.
Result<PickleStorage> ReadPickleStorage(PickleRef persistent_id);

}  // namespace distill::core
