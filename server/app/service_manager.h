#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace distill::server {

/// Tells systemd (through $NOTIFY_SOCKET) about this process: lines like "READY=1", "STOPPING=1",
/// "STATUS=...", "WATCHDOG=1". Does nothing where no service manager asked for it. Never blocks.
void NotifyServiceManager(std::string_view state);

/// Returns how often a service manager wants to hear from this process: half of what its watchdog
/// allows, at most 10 s, for its line of status; nullopt where there is none.
std::optional<std::chrono::milliseconds> ServiceManagerInterval();

}  // namespace distill::server
