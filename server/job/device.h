#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace distill::server {

/// A process that has memory of a GPU.
struct DeviceProcess {
  int pid = 0;
  int session = 0;            // the pid of its session's leader; 0 = unknown
  std::string user;           // "" = unknown
  std::string program;        // "" = unknown
  int64_t memory_bytes = -1;  // -1 = the driver does not tell
};

/// A device that jobs run on, as found at the last look.
struct DeviceInfo {
  std::string id;  // "cpu", of further ones "cpu:1" and so on, or the GPU's UUID
  int index = -1;  // PCI order; -1 for the CPU
  std::string name;
  std::string pci_bus_id;  // "" = unknown
  int64_t memory_total_bytes = 0;
  int64_t memory_used_bytes = 0;
  int utilization_percent = -1;  // -1 = unknown
  int temperature_celsius = -1;  // -1 = unknown
  std::vector<DeviceProcess> processes;
  /// Used by processes that the server did not start.
  int64_t foreign_memory_bytes = 0;
  /// Why it takes no new jobs; "" = it does.
  std::string closed_because;
  /// It is closed for good: jobs that run on it must leave.
  bool has_failed = false;
};

/// Returns whether a device of that id is (a part of) the CPU.
inline bool IsCpu(std::string_view id) { return id == "cpu" || id.substr(0, 4) == "cpu:"; }

/// Finds devices. Thread-safe.
class DeviceCatalog {
 public:
  virtual ~DeviceCatalog() = default;

  /// Returns the devices that jobs may use, with their present load. One that was listed before
  /// and is gone, or cannot be asked, stays in the list, closed. Blocks some milliseconds.
  virtual std::vector<DeviceInfo> List() = 0;
};

}  // namespace distill::server
