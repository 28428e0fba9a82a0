#pragma once

#include <string_view>

namespace distill::server {

/// Tells systemd (through $NOTIFY_SOCKET) about this process: "READY=1", "STOPPING=1". Does nothing
/// where no service manager asked for it.
void NotifyServiceManager(std::string_view state);

}  // namespace distill::server
