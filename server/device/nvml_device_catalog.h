#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "server/device/nvml.h"
#include "server/job/device.h"

namespace distill::server {

struct DeviceCatalogOptions {
  /// {"auto"}: all GPUs, and the CPU where there is none. Else any of "cpu", GPU indexes and UUIDs.
  std::vector<std::string> devices{"auto"};
  /// As how many devices the CPU counts where it counts as one.
  int cpu_devices = 1;
  /// Has one entry for each GPU that the driver runs; NVML starts anew when they change.
  std::filesystem::path driver_gpus = "/proc/driver/nvidia/gpus";
};

/// The GPUs that NVML reports, and the CPU. The driver is looked for again at each List() until it
/// is found, and after each failure. A GPU stays closed, and its jobs are to leave it, when it is
/// gone (until it is back) and after a critical error (as long as this object lives). While the
/// driver does not answer, GPUs known before are closed, and nothing is said of their jobs.
/// Thread-safe.
class NvmlDeviceCatalog final : public DeviceCatalog {
 public:
  /// `loader` must outlive this object.
  NvmlDeviceCatalog(DeviceCatalogOptions options, NvmlLoader& loader)
      : options_(std::move(options)), loader_(loader) {}

  std::vector<DeviceInfo> List() override EXCLUDES(mutex_);

 private:
  bool IsWanted(const DeviceInfo& gpu) const REQUIRES(mutex_);
  std::vector<DeviceInfo> ListGpus() REQUIRES(mutex_);
  std::vector<DeviceInfo> WantedOf(std::vector<DeviceInfo> listed) REQUIRES(mutex_);
  std::vector<DeviceInfo> KnownWithoutDriver() const REQUIRES(mutex_);
  Result<std::vector<DeviceInfo>> AskDriver() REQUIRES(mutex_);
  void NoteErrors() REQUIRES(mutex_);
  void NoteGone(const std::vector<DeviceInfo>& gpus) REQUIRES(mutex_);

  const DeviceCatalogOptions options_;
  NvmlLoader& loader_;
  Mutex mutex_;
  std::unique_ptr<NvmlApi> nvml_ GUARDED_BY(mutex_);
  std::set<std::string> driver_gpus_ GUARDED_BY(mutex_);          // at the last look
  std::map<std::string, DeviceInfo> known_ GUARDED_BY(mutex_);    // wanted ones, as first seen
  std::map<std::string, std::string> errors_ GUARDED_BY(mutex_);  // critical ones, by id
  std::set<std::string> gone_ GUARDED_BY(mutex_);                 // ids
};

/// Returns whether the driver's error `xid` is the fault of the program that ran, not of the GPU.
bool IsProgramError(int xid);

/// Returns the CPU as `count` devices, "cpu", "cpu:1" and so on: each with its model name, and the
/// machine's memory.
std::vector<DeviceInfo> DescribeCpu(int count);

}  // namespace distill::server
