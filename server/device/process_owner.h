#pragma once

#include "server/job/device.h"

namespace distill::server {

/// Fills in user, program and session of the process `process.pid`, as far as /proc tells.
void FillOwner(DeviceProcess& process);

}  // namespace distill::server
