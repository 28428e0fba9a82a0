#pragma once

#include <vector>

#include "client/command/command_context.h"

namespace distill::client {

/// Puts names in the place of the ids of the evaluated jobs, for people. A job that is gone keeps
/// its id. Blocks.
void NameModelJobs(const CommandContext& context, std::vector<v1::Evaluation>& evaluations);

}  // namespace distill::client
