#include "client/command/commands.h"

namespace distill::client {

ExitCode Logs(const CommandContext& context, const LogOptions& options) {
  v1::TailLogsRequest request;
  request.set_job(options.job);
  request.set_attempt(options.attempt);
  request.set_offset(options.tail ? -1 : 0);
  request.set_follow(options.follow);
  const Status status =
      context.client().TailLogs(request, context.Limits(), [&](const std::string& data) {
        context.out().write(data.data(), static_cast<std::streamsize>(data.size()));
        context.out().flush();
      });
  if (status.code() == Code::kCancelled && options.follow) {
    context.Note("\ndetached; the job goes on. Come back with: distillctl logs -f " + options.job);
    return ExitCode::kInterrupted;
  }
  return status.ok() ? ExitCode::kOk : context.Fail(status);
}

}  // namespace distill::client
