#pragma once

#include <cstdint>
#include <vector>

#include "server/job/device.h"
#include "server/job/job.h"

namespace distill::server {

/// A job whose worker runs on a device.
struct DeviceHolder {
  JobRecord job;
  int pid = 0;              // of its worker; 0 = not known
  int64_t used_bytes = -1;  // measured; -1 = unknown
};

/// A device, and who uses it.
struct DeviceUse {
  DeviceInfo device;                     // with foreign_memory_bytes
  std::vector<DeviceHolder> holders;     // by id
  std::vector<DeviceProcess> outsiders;  // processes that the server did not start
};

/// Finds out who uses which of `devices`: the processes on a device are told apart by `holders`,
/// which are all jobs that have a worker. Memory that nobody's process accounts for is foreign when
/// the driver does not tell what an outsider uses. Pure.
std::vector<DeviceUse> AssessUse(const std::vector<DeviceInfo>& devices,
                                 const std::vector<DeviceHolder>& holders);

}  // namespace distill::server
