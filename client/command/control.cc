#include "client/command/commands.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"

namespace distill::client {
namespace {

// Calls `act` for each job, goes on after a failure, and returns the first failure's code.
template <typename Act>
ExitCode ForEach(const CommandContext& context, const std::vector<std::string>& jobs, Act act) {
  ExitCode first = ExitCode::kOk;
  for (const std::string& job : jobs) {
    const Status status = act(job);
    if (status.ok()) continue;
    const ExitCode code = context.Fail(status);
    if (first == ExitCode::kOk) first = code;
  }
  return first;
}

void PrintState(const CommandContext& context, const v1::Job& job) {
  if (context.is_json()) {
    context.out() << ToJson(job);
  } else {
    context.out() << job.name() << "  " << context.Colored(job.state(), StateText(job.state()))
                  << '\n';
  }
}

}  // namespace

ExitCode Cancel(const CommandContext& context, const std::vector<std::string>& jobs, bool wait) {
  std::vector<std::string> cancelled;
  const ExitCode code = ForEach(context, jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().CancelJob(name));
    PrintState(context, job);
    cancelled.push_back(job.id());
    return {};
  });
  if (!wait || code != ExitCode::kOk) return code;
  const ExitCode outcome = AwaitJobs(context, cancelled, /*shows_progress=*/false);
  // That is what was asked for.
  return outcome == ExitCode::kJobCancelled ? ExitCode::kOk : outcome;
}

ExitCode Pause(const CommandContext& context, const std::vector<std::string>& jobs, bool wait) {
  std::vector<std::string> paused;
  const ExitCode code = ForEach(context, jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().PauseJob(name));
    PrintState(context, job);
    paused.push_back(job.id());
    return {};
  });
  if (!wait || code != ExitCode::kOk) return code;
  return AwaitPause(context, paused);
}

ExitCode Resume(const CommandContext& context, const std::vector<std::string>& jobs) {
  return ForEach(context, jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().ResumeJob(name));
    PrintState(context, job);
    return {};
  });
}

ExitCode Requeue(const CommandContext& context, const std::vector<std::string>& jobs) {
  return ForEach(context, jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().RequeueJob(name));
    PrintState(context, job);
    return {};
  });
}

ExitCode Delete(const CommandContext& context, const std::vector<std::string>& jobs) {
  return ForEach(context, jobs, [&](const std::string& name) -> Status {
    DISTILL_RETURN_IF_ERROR(context.client().DeleteJob(name));
    if (!context.is_json()) context.out() << "deleted " << name << '\n';
    return {};
  });
}

}  // namespace distill::client
