#include "client/command/commands.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

std::string HoldersText(const v1::Device& device) {
  std::string text;
  for (const v1::DeviceJob& job : device.jobs()) {
    text += (text.empty() ? "" : ",") + (job.id().empty() ? kStrangersJob : job.id());
  }
  return text.empty() ? "-" : text;
}

std::string StateOf(const v1::Device& device) {
  if (!device.closed_because().empty()) return "closed: " + device.closed_because();
  return device.jobs().empty() ? "free" : "in use";
}

}  // namespace

ExitCode Devices(const CommandContext& context) {
  const auto response = context.client().ListDevices();
  if (!response.ok()) return context.Fail(response.status());
  if (context.is_json()) {
    context.out() << ToJson(*response);
    return ExitCode::kOk;
  }
  TextTable table({{"INDEX", Align::kRight},
                   {"NAME"},
                   {"ID"},
                   {"MEMORY", Align::kRight},
                   {"USED", Align::kRight},
                   {"UTIL", Align::kRight},
                   {"TEMP", Align::kRight},
                   {"JOBS"},
                   {"STATE"}});
  for (const v1::Device& device : response->devices()) {
    const bool has_memory = device.memory_total_bytes() > 0;
    table.AddRow({KnownText(device.index(), ""), device.name(), device.id(),
                  has_memory ? BytesText(device.memory_total_bytes()) : "-",
                  has_memory ? BytesText(device.memory_used_bytes()) : "-",
                  KnownText(device.utilization_percent(), "%"),
                  KnownText(device.temperature_celsius(), " C"), HoldersText(device),
                  StateOf(device)});
  }
  table.Print(context.out());
  return ExitCode::kOk;
}

std::string ClientVersion() { return DISTILL_VERSION; }

ExitCode Version(const CommandContext& context) {
  const auto info = context.client().GetServerInfo();
  if (context.is_json()) {
    if (!info.ok()) return context.Fail(info.status());
    context.out() << ToJson(*info);
    return ExitCode::kOk;
  }
  context.out() << "distillctl " << ClientVersion() << '\n';
  if (!info.ok()) {
    context.Note("distillctl: " + info.status().message());
    return ExitCode::kOk;
  }
  context.out() << "distilld   " << info->version() << " at " << context.server() << ", up "
                << AgeText(info->started_at_unix_ms(), context.environment().now_unix_ms())
                << ", schema " << info->schema_version() << ", SQLite " << info->sqlite_version()
                << '\n';
  if (!info->trouble().empty()) {
    context.Note("distillctl: the server is in trouble: " + info->trouble());
  }
  if (info->version() != ClientVersion()) {
    context.Note("distillctl: the server has another version than this client");
  }
  return ExitCode::kOk;
}

}  // namespace distill::client
