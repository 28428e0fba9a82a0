#include <sstream>

#include "client/command/commands.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

std::string KnownBytes(int64_t bytes) { return bytes < 0 ? "-" : BytesText(bytes); }

std::string NameOf(const v1::Device& device) {
  return device.index() < 0 ? device.id() : std::to_string(device.index());
}

std::string MemoryText(const v1::Device& device) {
  if (device.memory_total_bytes() <= 0) return "-";
  return BytesText(device.memory_used_bytes()) + " of " + BytesText(device.memory_total_bytes());
}

// What jobs were promised of a device that they share.
std::string ReservedText(const v1::Device& device) {
  int64_t bytes = 0;
  for (const v1::DeviceJob& job : device.jobs()) {
    if (job.gpu_memory_bytes() == 0) return "all";
    bytes += job.gpu_memory_bytes();
  }
  return bytes == 0 ? "-" : BytesText(bytes);
}

TextTable DeviceTable(const v1::ListDevicesResponse& devices) {
  TextTable table({{"DEVICE"},
                   {"NAME"},
                   {"MEMORY", Align::kRight},
                   {"RESERVED", Align::kRight},
                   {"UTIL", Align::kRight},
                   {"TEMP", Align::kRight},
                   {"STATE"}});
  for (const v1::Device& device : devices.devices()) {
    std::string state = device.jobs().empty() ? "free" : "in use";
    if (!device.closed_because().empty()) state = "closed: " + device.closed_because();
    table.AddRow({NameOf(device), device.name(), MemoryText(device), ReservedText(device),
                  KnownText(device.utilization_percent(), "%"),
                  KnownText(device.temperature_celsius(), " C"), state});
  }
  return table;
}

std::vector<std::string> RowOf(const std::string& device, const v1::DeviceJob& job,
                               int64_t now_unix_ms) {
  const std::string memory = KnownBytes(job.memory_used_bytes());
  if (job.id().empty()) return {device, "-", kStrangersJob, "-", memory, "-", "-", "-"};
  const v1::Progress& progress = job.progress();
  const bool has_end = progress.eta_unix_ms() > now_unix_ms;
  const std::string done = progress.num_epochs() == 0 ? "-"
                                                      : std::to_string(progress.epoch()) + "/" +
                                                            std::to_string(progress.num_epochs());
  return {device,
          job.id(),
          job.name(),
          job.owner(),
          memory,
          done,
          has_end ? "in " + AgeText(now_unix_ms, progress.eta_unix_ms()) : "-",
          StateText(job.state()) + StalledText(job.stalled_since_unix_ms(), now_unix_ms)};
}

std::vector<std::string> RowOf(const std::string& device, const v1::DeviceProcess& process) {
  return {device,
          "-",
          process.program().empty() ? "?" : process.program(),
          process.user().empty() ? "?" : process.user(),
          KnownBytes(process.memory_bytes()),
          "-",
          "-",
          "outsider, pid " + std::to_string(process.pid())};
}

// Jobs, and below those of each device the processes that the server did not start.
TextTable UserTable(const v1::ListDevicesResponse& devices, int64_t now_unix_ms) {
  TextTable table({{"DEVICE"},
                   {"JOB", Align::kRight},
                   {"NAME"},
                   {"OWNER"},
                   {"MEMORY", Align::kRight},
                   {"PROGRESS", Align::kRight},
                   {"ENDS"},
                   {"STATE"}});
  for (const v1::Device& device : devices.devices()) {
    for (const v1::DeviceJob& job : device.jobs()) {
      table.AddRow(RowOf(NameOf(device), job, now_unix_ms));
    }
    for (const v1::DeviceProcess& process : device.outsiders()) {
      table.AddRow(RowOf(NameOf(device), process));
    }
  }
  return table;
}

std::string Screen(const v1::ListDevicesResponse& devices, int64_t now_unix_ms) {
  std::ostringstream text;
  DeviceTable(devices).Print(text);
  bool is_used = false;
  for (const v1::Device& device : devices.devices()) {
    is_used = is_used || !device.jobs().empty() || !device.outsiders().empty();
  }
  if (!is_used) return text.str();
  text << '\n';
  UserTable(devices, now_unix_ms).Print(text);
  return text.str();
}

}  // namespace

ExitCode Top(const CommandContext& context, const TopOptions& options) {
  const bool is_live = !options.once && !context.is_json() && context.environment().out_is_terminal;
  while (true) {
    const auto devices = context.client().ListDevices();
    if (!devices.ok()) return context.Fail(devices.status());
    if (context.is_json()) {
      context.out() << ToJson(*devices);
    } else {
      // From the top of an emptied screen.
      if (is_live) context.out() << TerminalOrder{"\x1b[H\x1b[2J"};
      context.out() << Screen(*devices, context.environment().now_unix_ms()) << std::flush;
    }
    if (!is_live || context.environment().interrupt.WaitFor(options.interval)) return ExitCode::kOk;
  }
}

}  // namespace distill::client
