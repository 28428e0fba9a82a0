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

// Returns the jobs that were named, and the caller's jobs of the group that are in one of `states`,
// in the order of those, oldest first.
Result<std::vector<std::string>> Select(const CommandContext& context,
                                        const JobSelection& selection,
                                        const std::vector<v1::JobState>& states) {
  std::vector<std::string> names = selection.jobs;
  if (selection.group.empty()) return names;
  v1::ListJobsRequest request;
  request.set_group(selection.group);
  request.set_owner(context.client().options().user);
  for (const v1::JobState state : states) request.add_states(state);
  DISTILL_ASSIGN_OR_RETURN(const v1::ListJobsResponse found,
                           context.client().ListJobs(request, /*max_jobs=*/0));
  for (const v1::JobState state : states) {
    for (int i = found.jobs_size() - 1; i >= 0; --i) {
      if (found.jobs(i).state() == state) names.push_back(found.jobs(i).name());
    }
  }
  if (names.empty()) {
    return Status(Code::kNotFound,
                  "no job of yours to do that with is in the group: " + selection.group);
  }
  return names;
}

}  // namespace

void PrintJobState(const CommandContext& context, const v1::Job& job) {
  if (context.is_json()) {
    context.out() << ToJson(job);
  } else {
    context.out() << OneLine(job.name()) << "  "
                  << context.Colored(job.state(), StateText(job.state())) << '\n';
  }
}

ExitCode Cancel(const CommandContext& context, const JobSelection& selection, bool wait) {
  // Those that wait go first, or they would take the place of those that run.
  const auto jobs = Select(context, selection,
                           {v1::JOB_STATE_QUEUED, v1::JOB_STATE_PAUSED, v1::JOB_STATE_INTERRUPTED,
                            v1::JOB_STATE_STARTING, v1::JOB_STATE_RUNNING, v1::JOB_STATE_PAUSING});
  if (!jobs.ok()) return context.Fail(jobs.status());
  std::vector<std::string> cancelled;
  const ExitCode code = ForEach(context, *jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().CancelJob(name));
    // As JSON there is one document, at the end.
    if (!wait || !context.is_json()) PrintJobState(context, job);
    cancelled.push_back(job.id());
    return {};
  });
  if (!wait || code != ExitCode::kOk) return code;
  const ExitCode outcome =
      AwaitJobs(context, cancelled, {/*shows_progress=*/false, /*quiet=*/true});
  // That is what was asked for.
  return outcome == ExitCode::kJobCancelled ? ExitCode::kOk : outcome;
}

ExitCode Pause(const CommandContext& context, const JobSelection& selection, bool wait) {
  const auto jobs = Select(context, selection,
                           {v1::JOB_STATE_QUEUED, v1::JOB_STATE_STARTING, v1::JOB_STATE_RUNNING});
  if (!jobs.ok()) return context.Fail(jobs.status());
  std::vector<std::string> paused;
  const ExitCode code = ForEach(context, *jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().PauseJob(name));
    if (!wait) PrintJobState(context, job);
    paused.push_back(job.id());
    return {};
  });
  if (!wait) return code;
  const ExitCode outcome = AwaitPause(context, paused);
  return code == ExitCode::kOk ? outcome : code;
}

ExitCode Resume(const CommandContext& context, const JobSelection& selection) {
  const auto jobs = Select(context, selection, {v1::JOB_STATE_PAUSED});
  if (!jobs.ok()) return context.Fail(jobs.status());
  return ForEach(context, *jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().ResumeJob(name));
    PrintJobState(context, job);
    return {};
  });
}

ExitCode Requeue(const CommandContext& context, const JobSelection& selection) {
  const auto jobs = Select(context, selection, {v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED});
  if (!jobs.ok()) return context.Fail(jobs.status());
  return ForEach(context, *jobs, [&](const std::string& name) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const v1::Job job, context.client().RequeueJob(name));
    PrintJobState(context, job);
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
