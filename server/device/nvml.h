#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "server/job/device.h"

namespace distill::server {

/// A critical error that the driver reported of a GPU (NVIDIA calls its number Xid).
struct GpuError {
  std::string gpu;  // UUID
  int xid = 0;
};

/// Asks the NVIDIA driver for its GPUs. Thread-compatible.
class NvmlApi {
 public:
  virtual ~NvmlApi() = default;

  /// Returns the GPUs with their present load, in PCI order. One that does not answer is left out;
  /// one with uncorrected memory errors comes with `closed_because` and `has_failed`. Blocks some
  /// milliseconds. kUnavailable: the driver does not answer.
  virtual Result<std::vector<DeviceInfo>> ListGpus() = 0;

  /// Returns the errors that came up since the last call (the first: since the object was made, or
  /// the GPU was first listed).
  virtual std::vector<GpuError> TakeErrors() { return {}; }
};

/// Makes NvmlApi objects; tests put a fake in its place.
class NvmlLoader {
 public:
  virtual ~NvmlLoader() = default;

  /// Loads the driver's library. kNotFound: this machine has none (yet).
  virtual Result<std::unique_ptr<NvmlApi>> Load() = 0;
};

/// Loads the driver's library at run time, so that nothing links against it.
class SystemNvmlLoader final : public NvmlLoader {
 public:
  /// `library` is a path, or a name that the system's loader finds.
  explicit SystemNvmlLoader(std::string library = "libnvidia-ml.so.1")
      : library_(std::move(library)) {}

  Result<std::unique_ptr<NvmlApi>> Load() override;

 private:
  const std::string library_;
};

}  // namespace distill::server
