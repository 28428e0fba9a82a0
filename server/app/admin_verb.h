#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/app/config.h"

namespace CLI {
class App;
}

namespace distill::server {

/// A command beside serving: `distilld NAME [options]`. The daemon's own options (--config,
/// --state-dir, …) may stand before and after the name.
struct AdminVerb {
  /// Does the work with a checked configuration. Prints data on standard output, all else on
  /// standard error; returns the exit code.
  using Run = std::function<int(const Config&)>;

  const char* name;
  const char* summary;  // one line of the help
  /// Adds options and arguments to the verb's own parser, into variables that the returned Run
  /// keeps alive. Called once for each parse of the command line.
  std::function<Run(CLI::App&)> declare;
};

/// doctor, backup, …: all that this program has.
const std::vector<AdminVerb>& AdminVerbs();

}  // namespace distill::server
