#pragma once

#include <string>
#include <vector>

#include "client/command/command_context.h"

namespace distill::client {

/// Returns the named jobs, each once. An evaluation job stands for the training job whose model it
/// evaluates, if there is one. Blocks. Errors as JobClient::GetJob.
Result<std::vector<v1::Job>> NamedTrainJobs(const CommandContext& context,
                                            const std::vector<std::string>& names);

}  // namespace distill::client
