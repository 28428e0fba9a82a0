#include "client/command/command_context.h"

#include <utility>

namespace distill::client {
namespace {

JobClientOptions ClientOptions(const Environment& environment, const CommonOptions& options,
                               const ServerAccess& access) {
  JobClientOptions client_options;
  client_options.access = access;
  client_options.user = environment.variable("USER");
  client_options.call_timeout = options.timeout;
  client_options.first_backoff = environment.first_backoff;
  return client_options;
}

const char* ColorOf(v1::JobState state) {
  switch (state) {
    case v1::JOB_STATE_SUCCEEDED:
      return "\x1b[32m";
    case v1::JOB_STATE_FAILED:
      return "\x1b[31m";
    case v1::JOB_STATE_RUNNING:
    case v1::JOB_STATE_STARTING:
      return "\x1b[36m";
    case v1::JOB_STATE_CANCELLED:
    case v1::JOB_STATE_INTERRUPTED:
      return "\x1b[33m";
    default:
      return "";
  }
}

}  // namespace

CommandContext::CommandContext(Environment& environment, CommonOptions options)
    : environment_(environment),
      options_(std::move(options)),
      client_(ClientOptions(environment, options_, options_.access)) {}

std::unique_ptr<JobClient> CommandContext::ClientFor(const ServerAccess& access) const {
  return std::make_unique<JobClient>(ClientOptions(environment_, options_, access));
}

ExitCode CommandContext::Fail(const Status& status) const {
  return FailWith(ExitCodeFor(status), status.message());
}

ExitCode CommandContext::FailWith(ExitCode code, const std::string& message) const {
  Note("distillctl: " + message);
  return code;
}

void CommandContext::Note(const std::string& message) const { err() << message << std::endl; }

ColoredText CommandContext::Colored(v1::JobState state, const std::string& text) const {
  return {text, has_color() ? ColorOf(state) : ""};
}

StreamLimits CommandContext::Limits() const {
  StreamLimits limits;
  limits.cancellation = &environment_.interrupt;
  limits.on_reconnect = [this](const Status& status) {
    Note("distillctl: connection lost, trying again: " + status.message());
  };
  return limits;
}

}  // namespace distill::client
