#include "server/job/device_use.h"

#include <algorithm>

namespace distill::server {
namespace {

// Whether `process` is the worker of `holder`, or a process that it started: a worker leads a
// session of its own.
bool BelongsTo(const DeviceProcess& process, const DeviceHolder& holder) {
  return holder.pid != 0 && (process.pid == holder.pid || process.session == holder.pid);
}

bool HasWorkerIn(const std::vector<DeviceHolder>& holders, const DeviceProcess& process) {
  return std::any_of(holders.begin(), holders.end(),
                     [&process](const DeviceHolder& holder) { return BelongsTo(process, holder); });
}

void Measure(const DeviceInfo& device, DeviceHolder& holder) {
  for (const DeviceProcess& process : device.processes) {
    if (process.memory_bytes < 0 || !BelongsTo(process, holder)) continue;
    holder.used_bytes = std::max<int64_t>(holder.used_bytes, 0) + process.memory_bytes;
  }
}

int64_t ForeignMemory(const DeviceInfo& device, const std::vector<DeviceProcess>& outsiders) {
  int64_t told = 0;
  bool is_all_told = true;
  for (const DeviceProcess& process : outsiders) {
    if (process.memory_bytes < 0) is_all_told = false;
    told += std::max<int64_t>(process.memory_bytes, 0);
  }
  if (is_all_told) return told;
  int64_t rest = device.memory_used_bytes;
  for (const DeviceProcess& process : device.processes) {
    rest -= std::max<int64_t>(process.memory_bytes, 0);
  }
  return told + std::max<int64_t>(rest, 0);
}

}  // namespace

std::vector<DeviceUse> AssessUse(const std::vector<DeviceInfo>& devices,
                                 const std::vector<DeviceHolder>& holders) {
  std::vector<DeviceUse> uses;
  for (const DeviceInfo& device : devices) {
    DeviceUse& use = uses.emplace_back();
    use.device = device;
    for (const DeviceHolder& holder : holders) {
      const std::vector<std::string>& held = holder.job.devices;
      if (std::find(held.begin(), held.end(), device.id) == held.end()) continue;
      use.holders.push_back(holder);
      Measure(device, use.holders.back());
    }
    for (const DeviceProcess& process : device.processes) {
      if (!HasWorkerIn(holders, process)) use.outsiders.push_back(process);
    }
    use.device.foreign_memory_bytes = ForeignMemory(device, use.outsiders);
  }
  return uses;
}

}  // namespace distill::server
