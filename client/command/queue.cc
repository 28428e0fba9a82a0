#include <algorithm>

#include "client/command/commands.h"
#include "client/enum_text.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

std::string StartText(int64_t at_unix_ms, int64_t now_unix_ms) {
  if (at_unix_ms == 0) return "-";
  if (at_unix_ms <= now_unix_ms) return "any moment";
  return "in " + AgeText(now_unix_ms, at_unix_ms);
}

std::string EndText(const v1::Job& job, int64_t now_unix_ms) {
  return StartText(job.progress().eta_unix_ms(), now_unix_ms);
}

void PrintHolders(const CommandContext& context, const v1::ExplainJobResponse& answer) {
  constexpr size_t kState = 5;
  if (answer.holders().empty()) return;
  const int64_t now = context.environment().now_unix_ms();
  TextTable table({{"WAITS FOR", Align::kRight},
                   {"NAME"},
                   {"OWNER"},
                   {"PROGRESS", Align::kRight},
                   {"ENDS"},
                   {"STATE"}});
  for (const v1::Job& job : answer.holders()) {
    table.AddRow({job.id(), job.name(), job.owner(), ProgressText(job), EndText(job, now),
                  StateText(job.state())});
    table.Color(kState, context.Colored(job.state(), StateText(job.state())));
  }
  context.out() << '\n';
  table.Print(context.out());
}

void PrintWaiting(const CommandContext& context, const v1::ExplainJobResponse& answer) {
  const v1::Waiting& waiting = answer.waiting();
  const int64_t now = context.environment().now_unix_ms();
  context.out() << "rule      " << EnumText(*v1::WaitingRule_descriptor(), waiting.rule()) << '\n'
                << "reason    " << OneLine(waiting.reason()) << '\n'
                << "place     " << waiting.place() << " of " << answer.queue_length() << '\n'
                << "expected  ";
  if (waiting.blocked()) {
    context.out() << "never, as things are\n";
  } else if (waiting.expected_start_unix_ms() == 0) {
    context.out() << "unknown\n";
  } else {
    context.out() << StartText(waiting.expected_start_unix_ms(), now) << " ("
                  << TimeText(waiting.expected_start_unix_ms()) << ")\n";
  }
  PrintHolders(context, answer);
}

// Of a job that is not in the queue.
void PrintPlace(const CommandContext& context, const v1::Job& job) {
  const int64_t now = context.environment().now_unix_ms();
  if (!job.message().empty()) context.out() << "reason    " << OneLine(job.message()) << '\n';
  if (job.state() == v1::JOB_STATE_QUEUED) context.out() << "expected  any moment\n";
  if (job.state() == v1::JOB_STATE_PAUSED) {
    context.out() << "to do     distillctl resume " << job.name() << '\n';
  }
  if (job.state() == v1::JOB_STATE_RUNNING) {
    context.out() << "progress  " << ProgressText(job) << '\n'
                  << "ends      " << EndText(job, now) << '\n';
  }
}

// Says which jobs that wait are not listed: those behind the limit, and, where jobs are private,
// those of others.
void NoteMissing(const CommandContext& context, const v1::ListQueueResponse& queue, int limit) {
  constexpr int kDefaultLimit = 100;  // the server's
  const int looked_at = limit == 0 ? kDefaultLimit : limit;
  const auto hidden = std::min<int64_t>(queue.length(), looked_at) - queue.entries_size();
  if (hidden > 0) {
    context.Note(std::to_string(hidden) + " more, of other members, stand among these");
  }
  if (queue.length() > looked_at) {
    context.Note("there are " + std::to_string(queue.length()) + " in all: -n shows more");
  }
}

}  // namespace

ExitCode Why(const CommandContext& context, const std::string& name) {
  const auto answer = context.client().ExplainJob(name);
  if (!answer.ok()) return context.Fail(answer.status());
  if (context.is_json()) {
    context.out() << ToJson(*answer);
    return ExitCode::kOk;
  }
  const v1::Job& job = answer->job();
  context.out() << job.name() << " (id " << job.id() << ") is "
                << context.Colored(job.state(), StateText(job.state()));
  if (job.cause() != v1::CAUSE_UNSPECIFIED) context.out() << " " << CauseText(job.cause());
  context.out() << '\n';
  if (answer->has_waiting()) {
    PrintWaiting(context, *answer);
  } else {
    PrintPlace(context, job);
  }
  return ExitCode::kOk;
}

ExitCode Queue(const CommandContext& context, int limit) {
  const auto queue = context.client().ListQueue(limit);
  if (!queue.ok()) return context.Fail(queue.status());
  if (context.is_json()) {
    context.out() << ToJson(*queue);
    return ExitCode::kOk;
  }
  const int64_t now = context.environment().now_unix_ms();
  TextTable table({{"PLACE", Align::kRight},
                   {"ID", Align::kRight},
                   {"NAME"},
                   {"OWNER"},
                   {"PRIO", Align::kRight},
                   {"DEVICES", Align::kRight},
                   {"AGE", Align::kRight},
                   {"STARTS"},
                   {"WHY"}});
  for (const v1::QueueEntry& entry : queue->entries()) {
    const v1::Job& job = entry.job();
    const v1::Waiting& waiting = entry.waiting();
    table.AddRow({std::to_string(waiting.place()), job.id(), job.name(), job.owner(),
                  std::to_string(job.priority()),
                  std::to_string(std::max(1, job.resources().devices())),
                  AgeText(job.created_at_unix_ms(), now),
                  waiting.blocked() ? "never" : StartText(waiting.expected_start_unix_ms(), now),
                  waiting.reason()});
  }
  table.Print(context.out());
  NoteMissing(context, *queue, limit);
  return ExitCode::kOk;
}

}  // namespace distill::client
