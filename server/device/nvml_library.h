#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/status.h"

/// The few declarations of NVIDIA's nvml.h (API version 12, stable since 11) that are used here.
namespace distill::server::nvml {

using Return = int;
using Device = void*;
using EventSet = void*;
using Number = unsigned long long;  // NOLINT(google-runtime-int): as the library declares it

constexpr Return kSuccess = 0;
constexpr Return kInsufficientSize = 7;
constexpr unsigned kTemperatureOfGpu = 0;
constexpr unsigned kUncorrectedErrors = 1;
constexpr unsigned kSinceReset = 0;  // NVML_VOLATILE_ECC
constexpr Number kXidEvent = 8;
constexpr Number kUnknownMemory = ~Number{0};
constexpr size_t kTextBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, NVML_DEVICE_UUID_V2_...

struct Memory {
  Number total;
  Number free;
  Number used;
};

struct MemoryV2 {
  unsigned version;
  Number total;
  Number reserved;  // for the driver; not to be had
  Number free;
  Number used;
};
constexpr unsigned kMemoryV2 = sizeof(MemoryV2) | (2U << 24U);

struct Utilization {
  unsigned gpu;
  unsigned memory;
};

struct PciInfo {
  std::array<char, 16> legacy_bus_id;
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned device_id;
  unsigned subsystem_id;
  std::array<char, 32> bus_id;
};

struct Process {
  unsigned pid;
  Number used_memory;
  unsigned gpu_instance;
  unsigned compute_instance;
};

struct Event {
  Device device;
  Number type;
  Number data;  // of kXidEvent: the number
  unsigned gpu_instance;
  unsigned compute_instance;
};

/// Functions of the library. Those after `temperature` may be null: older drivers lack them.
struct Functions {
  Return (*init)();
  Return (*shutdown)();
  Return (*count)(unsigned*);
  Return (*by_index)(unsigned, Device*);
  Return (*name)(Device, char*, unsigned);
  Return (*uuid)(Device, char*, unsigned);
  Return (*memory)(Device, Memory*);
  Return (*utilization)(Device, Utilization*);
  Return (*temperature)(Device, unsigned, unsigned*);
  Return (*memory_v2)(Device, MemoryV2*);
  Return (*pci_info)(Device, PciInfo*);
  Return (*compute_processes)(Device, unsigned*, Process*);
  Return (*graphics_processes)(Device, unsigned*, Process*);
  Return (*ecc_errors)(Device, unsigned, unsigned, Number*);
  Return (*remapped_rows)(Device, unsigned*, unsigned*, unsigned*, unsigned*);
  Return (*make_event_set)(EventSet*);
  Return (*free_event_set)(EventSet);
  Return (*register_events)(Device, Number, EventSet);
  Return (*wait_for_event)(EventSet, Event*, unsigned);
};

/// An open library, closed on destruction.
class Library {
 public:
  /// kNotFound: it cannot be loaded, or lacks a function that is needed.
  static Result<Library> Open(const std::string& name);
  ~Library();
  Library(Library&& other) noexcept;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  Library& operator=(Library&&) = delete;

  const Functions& functions() const { return functions_; }

 private:
  explicit Library(void* handle) : handle_(handle) {}

  void* handle_;
  Functions functions_{};
};

/// Returns the failure of `action`. kUnavailable.
Status NoAnswer(const char* action, Return code);

}  // namespace distill::server::nvml
