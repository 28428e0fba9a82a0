#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "server/device/nvml.h"
#include "server/job/device.h"

namespace distill::server {

struct DeviceCatalogOptions {
  /// {"auto"}: all GPUs, and the CPU where there is none. Else any of "cpu", GPU indexes and UUIDs.
  std::vector<std::string> devices{"auto"};
};

/// The GPUs that NVML reports, and the CPU. The driver is looked for again at each List() until it
/// is found, and after each failure. Thread-safe.
class NvmlDeviceCatalog final : public DeviceCatalog {
 public:
  /// `loader` must outlive this object.
  NvmlDeviceCatalog(DeviceCatalogOptions options, NvmlLoader& loader)
      : options_(std::move(options)), loader_(loader) {}

  std::vector<DeviceInfo> List() override;

 private:
  std::vector<DeviceInfo> ListGpus();

  const DeviceCatalogOptions options_;
  NvmlLoader& loader_;
  Mutex mutex_;
  std::unique_ptr<NvmlApi> nvml_ GUARDED_BY(mutex_);
};

/// Returns the CPU as a device: its model name, and the machine's memory.
DeviceInfo DescribeCpu();

}  // namespace distill::server
