#pragma once

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

 private:
  Mutex mutex_;
  std::vector<server::DeviceInfo> devices_ GUARDED_BY(mutex_);
};

/// Returns the CPU as a device.
inline server::DeviceInfo CpuDevice() {
  server::DeviceInfo device;
  device.id = "cpu";
  device.name = "CPU";
  return device;
}

}  // namespace distill::testing
