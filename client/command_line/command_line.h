#pragma once

#include <string>
#include <vector>

#include "client/environment.h"
#include "client/exit_code.h"

namespace distill::client {

/// Runs what `arguments` (without the program's name) ask for. Blocks until it is done.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace distill::client
