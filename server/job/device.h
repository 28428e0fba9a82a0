#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace distill::server {

/// A device that jobs run on, as found at the last look.
struct DeviceInfo {
  std::string id;  // "cpu", or the GPU's UUID
  int index = -1;  // PCI order; -1 for the CPU
  std::string name;
  int64_t memory_total_bytes = 0;
  int64_t memory_used_bytes = 0;
  int utilization_percent = -1;  // -1 = unknown
  int temperature_celsius = -1;  // -1 = unknown
};

/// Finds devices. Thread-safe.
class DeviceCatalog {
 public:
  virtual ~DeviceCatalog() = default;

  /// Returns the devices that jobs may use, with their present load. Blocks some milliseconds.
  virtual std::vector<DeviceInfo> List() = 0;
};

}  // namespace distill::server
