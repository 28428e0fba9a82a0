#pragma once

#include <functional>
#include <vector>

#include "core/base/hashed_file.h"
#include "core/base/status.h"

namespace distill::core {

/// Runs `read`, which reads all of `inputs` after they were hashed, and returns what came of it.
/// What LibTorch throws there is a failure like any other (core/eval/failure.h). Blocks.
/// kAborted: one of `inputs` is no longer the file that was hashed, which counts more than how
/// reading it failed: the message names the file, what to do, and how reading failed.
Status ReadInputs(const std::vector<HashedFile>& inputs, const std::function<Status()>& read);

}  // namespace distill::core
