#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/device.h"

namespace distill::server {

/// Asks the NVIDIA driver for its GPUs. Thread-compatible.
class NvmlApi {
 public:
  virtual ~NvmlApi() = default;

  /// Returns the GPUs with their present load, in PCI order. Blocks some milliseconds.
  /// kUnavailable: the driver does not answer.
  virtual Result<std::vector<DeviceInfo>> ListGpus() = 0;
};

/// Makes NvmlApi objects; tests put a fake in its place.
class NvmlLoader {
 public:
  virtual ~NvmlLoader() = default;

  /// Loads the driver's library. kNotFound: this machine has none (yet).
  virtual Result<std::unique_ptr<NvmlApi>> Load() = 0;
};

/// Loads libnvidia-ml.so.1 at run time, so that nothing links against it.
class SystemNvmlLoader final : public NvmlLoader {
 public:
  Result<std::unique_ptr<NvmlApi>> Load() override;
};

}  // namespace distill::server
