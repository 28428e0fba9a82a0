#include <sys/stat.h>

#include <iostream>

#include "core/base/log.h"
#include "server/app/admin_verb.h"
#include "server/app/config.h"
#include "server/app/daemon.h"
#include "server/app/descriptor_limit.h"
#include "server/app/service_manager.h"
#include "server/app/stop_signals.h"

namespace {

using distill::Code;
using distill::Result;
using distill::Status;
using distill::server::CommandLine;

// Exit codes; 1 is left to the C++ runtime.
enum ExitCode {
  kOk = 0,
  kUsage = 2,
  kConfiguration = 3,
  kCannotStart = 4,
  kFailedWhileRunning = 5
};

int Fail(ExitCode code, const Status& status) {
  std::cerr << "distilld: " << status.message() << '\n';
  return code;
}

int Serve(const distill::server::Config& config) {
  distill::LogOptions log;
  log.min_level = distill::ParseLogLevel(config.log_level).value();
  log.file = config.log_file.string();
  if (const Status started = distill::StartLog(log); !started.ok()) {
    return Fail(kCannotStart, started);
  }
  ::umask(S_IRWXG | S_IRWXO);
  distill::server::RaiseDescriptorLimit();
  distill::server::BlockStopSignals();
  auto daemon = distill::server::Daemon::Start(config, distill::SystemClock());
  if (!daemon.ok()) {
    distill::LogError("cannot start", {{"error", daemon.status().ToString()}});
    return kCannotStart;
  }
  using distill::server::NotifyServiceManager;
  NotifyServiceManager("READY=1\nSTATUS=" + (*daemon)->StatusText());
  // The status is read from the store first: a daemon that hangs there misses its watchdog.
  const int signal = distill::server::WaitForStopSignal(
      distill::server::ServiceManagerInterval(),
      [&] { NotifyServiceManager("STATUS=" + (*daemon)->StatusText() + "\nWATCHDOG=1"); });
  distill::LogInfo("stop asked for", {{"signal", signal}});
  NotifyServiceManager("STOPPING=1\nSTATUS=stopping; workers go on");
  (*daemon)->Stop();
  if (!(*daemon)->has_lost_listener()) return kOk;
  distill::LogError(
      "left, to be started again: it could take no more connections; raise the limit "
      "of open files (LimitNOFILE, ulimit -n) if this comes again");
  return kFailedWhileRunning;
}

// Standard output is for the verb's data, so that the log goes elsewhere, and says only what is
// amiss.
int RunVerb(const CommandLine& line) {
  distill::LogOptions log;
  log.min_level = distill::LogLevel::kWarning;
  if (const Status started = distill::StartLog(log); !started.ok()) {
    return Fail(kCannotStart, started);
  }
  return line.run_verb(line.config);
}

}  // namespace

int main(int argc, char** argv) {
  const Result<CommandLine> line =
      distill::server::ParseCommandLine(argc, argv, distill::server::AdminVerbs());
  if (!line.ok()) {
    return Fail(line.status().code() == Code::kInvalidArgument ? kUsage : kConfiguration,
                line.status());
  }
  switch (line->action) {
    case CommandLine::Action::kPrintText:
      std::cout << line->text;
      return kOk;
    case CommandLine::Action::kPrintConfig:
      std::cout << ToToml(line->config);
      return kOk;
    case CommandLine::Action::kRunVerb:
      ::umask(S_IRWXG | S_IRWXO);
      return RunVerb(*line);
    case CommandLine::Action::kServe:
      return Serve(line->config);
  }
  return kUsage;
}
