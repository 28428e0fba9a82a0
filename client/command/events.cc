#include "client/command/commands.h"
#include "client/enum_text.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/output/text_table.h"

namespace distill::client {
namespace {

// An older server tells no level.
std::string LevelText(v1::EventLevel level) {
  return level == v1::EVENT_LEVEL_UNSPECIFIED ? "-" : EnumText(*v1::EventLevel_descriptor(), level);
}

// A change of state, or the state in which something was told.
std::string CourseText(const v1::JobEvent& event) {
  const std::string to = StateText(event.to_state());
  const bool is_change = event.from_state() != event.to_state();
  const bool is_first = event.from_state() == v1::JOB_STATE_UNSPECIFIED;
  return is_change && !is_first ? StateText(event.from_state()) + " > " + to : to;
}

}  // namespace

ExitCode ShowEvents(const CommandContext& context, const std::string& job) {
  const auto response = context.client().ListJobEvents(job);
  if (!response.ok()) return context.Fail(response.status());
  if (context.is_json()) {
    context.out() << ToJson(*response);
    return ExitCode::kOk;
  }
  TextTable table({{"TIME"}, {"LEVEL"}, {"STATE"}, {"BY"}, {"MESSAGE"}});
  for (const v1::JobEvent& event : response->events()) {
    table.AddRow({TimeText(event.at_unix_ms()), LevelText(event.level()), CourseText(event),
                  event.actor(), event.message()});
  }
  table.Print(context.out());
  return ExitCode::kOk;
}

}  // namespace distill::client
