#include <functional>
#include <thread>

#include "client/command/commands.h"
#include "client/command/job_board.h"
#include "client/command/model_job_names.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/result_table.h"

namespace distill::client {
namespace {

// What came of watching some jobs.
struct WatchReport {
  std::vector<v1::Job> jobs;     // as last seen
  std::vector<Status> statuses;  // how each stream ended
};

// Returns the jobs that the names stand for now: "@last" must not move while they are watched.
Result<std::vector<v1::Job>> Resolve(const CommandContext& context,
                                     const std::vector<std::string>& names) {
  std::vector<v1::Job> jobs;
  for (const std::string& name : names) {
    DISTILL_ASSIGN_OR_RETURN(v1::Job job, context.client().GetJob(name));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// Follows all jobs to their end, or to where `goes_on` says no, one thread each.
WatchReport Follow(
    const CommandContext& context, const std::vector<v1::Job>& jobs, StreamLimits limits,
    JobBoard& board,
    const std::function<bool(size_t, const v1::Job&)>& goes_on = [](size_t, const v1::Job&) {
      return true;
    }) {
  limits.on_reconnect = [&](const Status& status) {
    board.Note(context.err(), "distillctl: connection lost, trying again: " + status.message());
  };
  WatchReport report;
  report.statuses.resize(jobs.size());
  std::vector<std::thread> threads;
  for (size_t index = 0; index < jobs.size(); ++index) {
    threads.emplace_back([&, index] {
      report.statuses[index] =
          context.client().WatchJob(jobs[index].id(), limits, [&](const v1::Job& job) {
            board.Update(index, job);
            return goes_on(index, job);
          });
    });
  }
  for (std::thread& thread : threads) thread.join();
  report.jobs = board.jobs();
  for (size_t index = 0; index < jobs.size(); ++index) {
    if (report.jobs[index].id().empty()) report.jobs[index] = jobs[index];  // nothing came of it
  }
  return report;
}

ExitCode Detach(const CommandContext& context, const std::vector<v1::Job>& jobs) {
  std::string names;
  for (const v1::Job& job : jobs) names += " " + job.name();
  context.Note("detached; the work goes on. Come back with: distillctl watch" + names);
  return ExitCode::kInterrupted;
}

ExitCode Outcome(const CommandContext& context, const WatchReport& report) {
  for (const Status& status : report.statuses) {
    if (status.code() == Code::kCancelled) return Detach(context, report.jobs);
  }
  for (const Status& status : report.statuses) {
    if (status.code() == Code::kDeadlineExceeded) {
      return context.FailWith(ExitCode::kWaitTimedOut, "not all jobs ended in time");
    }
    if (!status.ok()) return context.Fail(status);
  }
  ExitCode worst = ExitCode::kOk;
  for (const v1::Job& job : report.jobs) worst = Worse(worst, ExitCodeFor(job.state()));
  return worst;
}

JobBoard::Style StyleFor(bool is_terminal) {
  return is_terminal ? JobBoard::Style::kLive : JobBoard::Style::kLines;
}

// Says why jobs did not succeed, once all have ended.
void ReportFailures(const CommandContext& context, const WatchReport& report) {
  for (const v1::Job& job : report.jobs) {
    if (!IsFinal(job.state()) || job.state() == v1::JOB_STATE_SUCCEEDED) continue;
    std::string line = job.name() + " " + StateText(job.state());
    if (job.cause() != v1::CAUSE_UNSPECIFIED) line += " " + CauseText(job.cause());
    if (!job.message().empty()) line += ": " + OneLine(job.message());
    context.Note(line);
  }
}

Result<v1::ListEvaluationsResponse> EvaluationsBy(const CommandContext& context,
                                                  const std::vector<v1::Job>& jobs) {
  v1::ListEvaluationsRequest request;
  for (const v1::Job& job : jobs) {
    if (job.has_eval()) request.add_jobs(job.id());
  }
  if (request.jobs().empty()) return v1::ListEvaluationsResponse();
  return context.client().ListEvaluations(request);
}

// Prints what the evaluation jobs among `jobs` found.
Status PrintEvaluations(const CommandContext& context, const std::vector<v1::Job>& jobs) {
  DISTILL_ASSIGN_OR_RETURN(const v1::ListEvaluationsResponse response,
                           EvaluationsBy(context, jobs));
  std::vector<v1::Evaluation> evaluations(response.evaluations().begin(),
                                          response.evaluations().end());
  if (evaluations.empty()) return {};
  NameModelJobs(context, evaluations);
  EvaluationTable(evaluations).Print(context.out());
  return {};
}

// One document, whatever became of the jobs: who submitted them learns here what they are called.
Status PrintOutcome(const CommandContext& context, const std::vector<v1::Job>& jobs,
                    bool has_evaluations) {
  v1::BatchCreateJobsResponse list;  // the message that is jobs and nothing else
  for (const v1::Job& job : jobs) *list.add_jobs() = job;
  v1::ListEvaluationsResponse evaluations;
  if (has_evaluations) {
    DISTILL_ASSIGN_OR_RETURN(evaluations, EvaluationsBy(context, jobs));
  }
  context.out() << JoinedJson(ToJson(list), ToJson(evaluations));
  return {};
}

// Says once of each job that waits why it does.
class WaitingNotes {
 public:
  WaitingNotes(const CommandContext& context, JobBoard& board, size_t num_jobs)
      : context_(context), board_(board), has_told_(num_jobs) {}

  // Each job from one thread.
  void Look(size_t index, const v1::Job& job) {
    const bool waits = job.state() == v1::JOB_STATE_QUEUED || job.state() == v1::JOB_STATE_PAUSED;
    if (!waits || has_told_[index] != 0 || job.message().empty()) return;
    has_told_[index] = 1;
    board_.Note(context_.err(),
                job.name() + " is " + StateText(job.state()) + ": " + OneLine(job.message()));
  }

 private:
  const CommandContext& context_;
  JobBoard& board_;
  std::vector<char> has_told_;
};

}  // namespace

ExitCode AwaitJobs(const CommandContext& context, const std::vector<std::string>& names,
                   const AwaitOptions& options) {
  const auto jobs = Resolve(context, names);
  if (!jobs.ok()) return context.Fail(jobs.status());
  const auto style = options.shows_progress ? StyleFor(context.environment().err_is_terminal)
                                            : JobBoard::Style::kSilent;
  JobBoard board(context.environment(), context.err(), style, jobs->size());
  WaitingNotes notes(context, board, jobs->size());
  const WatchReport report =
      Follow(context, *jobs, context.Limits(), board, [&](size_t index, const v1::Job& job) {
        if (!options.shows_progress) notes.Look(index, job);
        return true;
      });
  const ExitCode outcome = Outcome(context, report);
  if (!options.shows_progress) ReportFailures(context, report);
  const bool is_ok = outcome == ExitCode::kOk;
  Status status;
  if (context.is_json()) {
    status = PrintOutcome(context, report.jobs, is_ok);
  } else if (is_ok && !options.quiet) {
    status = PrintEvaluations(context, report.jobs);
  }
  return status.ok() ? outcome : context.Fail(status);
}

ExitCode AwaitPause(const CommandContext& context, const std::vector<std::string>& names) {
  const auto jobs = Resolve(context, names);
  if (!jobs.ok()) return context.Fail(jobs.status());
  JobBoard board(context.environment(), context.err(), JobBoard::Style::kSilent, jobs->size());
  WatchReport report =
      Follow(context, *jobs, context.Limits(), board,
             [](size_t, const v1::Job& job) { return job.state() != v1::JOB_STATE_PAUSED; });
  for (const v1::Job& job : report.jobs) PrintJobState(context, job);
  ReportFailures(context, report);
  // Those that are PAUSED are where they should be.
  std::erase_if(report.jobs,
                [](const v1::Job& job) { return job.state() == v1::JOB_STATE_PAUSED; });
  return Outcome(context, report);
}

ExitCode Watch(const CommandContext& context, const std::vector<std::string>& names) {
  const auto jobs = Resolve(context, names);
  if (!jobs.ok()) return context.Fail(jobs.status());
  const auto style =
      context.is_json() ? JobBoard::Style::kJson : StyleFor(context.environment().out_is_terminal);
  JobBoard board(context.environment(), context.out(), style, jobs->size());
  return Outcome(context, Follow(context, *jobs, context.Limits(), board));
}

ExitCode Wait(const CommandContext& context, const WaitOptions& options) {
  StreamLimits limits = context.Limits();
  if (options.timeout) limits.deadline = std::chrono::steady_clock::now() + *options.timeout;
  const auto jobs = Resolve(context, options.jobs);
  if (!jobs.ok()) return context.Fail(jobs.status());
  JobBoard board(context.environment(), context.err(), JobBoard::Style::kSilent, jobs->size());
  WaitingNotes notes(context, board, jobs->size());
  const WatchReport report =
      Follow(context, *jobs, limits, board, [&](size_t index, const v1::Job& job) {
        notes.Look(index, job);
        return true;
      });
  if (context.is_json()) {
    for (const v1::Job& job : report.jobs) context.out() << ToJsonLine(job);
  }
  ReportFailures(context, report);
  return Outcome(context, report);
}

}  // namespace distill::client
