#include "client/command/commands.h"
#include "client/enum_text.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

void PrintJobs(const CommandContext& context, const v1::ListJobsResponse& response) {
  constexpr size_t kState = 8;
  const int64_t now = context.environment().now_unix_ms();
  TextTable table({{"ID", Align::kRight},
                   {"NAME"},
                   {"WHAT"},
                   {"OWNER"},
                   {"PRIO", Align::kRight},
                   {"DEVICES"},
                   {"PROGRESS", Align::kRight},
                   {"AGE", Align::kRight},
                   {"STATE"}});
  for (const v1::Job& job : response.jobs()) {
    const ColoredText colored = context.Colored(job.state(), StateText(job.state()));
    std::string state = colored.text;
    if (job.cause() != v1::CAUSE_UNSPECIFIED) state += " " + CauseText(job.cause());
    const bool explains = job.state() == v1::JOB_STATE_QUEUED && !job.message().empty();
    if (explains) state += " (" + job.message() + ")";
    state += StalledText(job.stalled_since_unix_ms(), now);
    table.AddRow({job.id(), job.name(), SummaryText(job), job.owner(),
                  std::to_string(job.priority()), DevicesText(job), ProgressText(job),
                  AgeText(job.created_at_unix_ms(), now), state});
    table.Color(kState, colored);
  }
  table.Print(context.out());
}

}  // namespace

ExitCode List(const CommandContext& context, const ListOptions& options) {
  v1::ListJobsRequest request;
  for (const std::string& text : options.states) {
    const auto state = ParseEnum(*v1::JobState_descriptor(), text);
    if (!state.ok()) {
      return context.FailWith(ExitCode::kUsage, "--state: " + state.status().message());
    }
    request.add_states(static_cast<v1::JobState>(*state));
  }
  request.set_owner(options.owner);
  request.set_name_prefix(options.name_prefix);
  request.set_group(options.group);
  const auto response = context.client().ListJobs(request, options.limit);
  if (!response.ok()) return context.Fail(response.status());

  if (context.is_json()) {
    context.out() << ToJson(*response);
  } else if (options.quiet) {
    for (const v1::Job& job : response->jobs()) context.out() << job.name() << '\n';
  } else {
    PrintJobs(context, *response);
  }
  if (!response->next_page_token().empty() && !options.quiet) {
    context.Note("there are more jobs: -n 0 lists all");
  }
  return ExitCode::kOk;
}

}  // namespace distill::client
