#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/job/device.h"

namespace distill::testing {

/// Devices as the test sets them. Thread-safe.
class FakeDeviceCatalog final : public server::DeviceCatalog {
 public:
  explicit FakeDeviceCatalog(std::vector<server::DeviceInfo> devices)
      : devices_(std::move(devices)) {}

  std::vector<server::DeviceInfo> List() override {
    const MutexLock lock(mutex_);
    return devices_;
  }

  void Set(std::vector<server::DeviceInfo> devices) {
    const MutexLock lock(mutex_);
    devices_ = std::move(devices);
  }

 private:
  Mutex mutex_;
  std::vector<server::DeviceInfo> devices_ GUARDED_BY(mutex_);
};

/// Returns the CPU as a device, or a further one of it.
inline server::DeviceInfo CpuDevice(int index = 0) {
  server::DeviceInfo device;
  device.id = index == 0 ? "cpu" : "cpu:" + std::to_string(index);
  device.name = "CPU";
  return device;
}

}  // namespace distill::testing
