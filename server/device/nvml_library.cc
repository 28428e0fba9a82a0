#include "server/device/nvml_library.h"

#include <dlfcn.h>

#include <utility>

namespace distill::server::nvml {
namespace {

// As in nvml.h.
static_assert(kMemoryV2 == 0x02000028);
static_assert(sizeof(PciInfo) == 68 && sizeof(Process) == 24 && sizeof(Event) == 32);

// Sets `function` to the symbol, or null; returns whether the library has it.
template <typename Function>
bool Find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, symbol));
  return function != nullptr;
}

bool FindNeeded(void* library, Functions& to) {
  return Find(library, "nvmlInit_v2", to.init) && Find(library, "nvmlShutdown", to.shutdown) &&
         Find(library, "nvmlDeviceGetCount_v2", to.count) &&
         Find(library, "nvmlDeviceGetHandleByIndex_v2", to.by_index) &&
         Find(library, "nvmlDeviceGetName", to.name) &&
         Find(library, "nvmlDeviceGetUUID", to.uuid) &&
         Find(library, "nvmlDeviceGetMemoryInfo", to.memory) &&
         Find(library, "nvmlDeviceGetUtilizationRates", to.utilization) &&
         Find(library, "nvmlDeviceGetTemperature", to.temperature);
}

void FindOptional(void* library, Functions& to) {
  Find(library, "nvmlDeviceGetMemoryInfo_v2", to.memory_v2);
  Find(library, "nvmlDeviceGetPciInfo_v3", to.pci_info);
  Find(library, "nvmlDeviceGetComputeRunningProcesses_v3", to.compute_processes);
  Find(library, "nvmlDeviceGetGraphicsRunningProcesses_v3", to.graphics_processes);
  Find(library, "nvmlDeviceGetTotalEccErrors", to.ecc_errors);
  Find(library, "nvmlDeviceGetRemappedRows", to.remapped_rows);
  const bool has_events = Find(library, "nvmlEventSetCreate", to.make_event_set) &&
                          Find(library, "nvmlEventSetFree", to.free_event_set) &&
                          Find(library, "nvmlDeviceRegisterEvents", to.register_events) &&
                          Find(library, "nvmlEventSetWait_v2", to.wait_for_event);
  if (!has_events) to.make_event_set = nullptr;
}

}  // namespace

Result<Library> Library::Open(const std::string& name) {
  Library library(::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library.handle_ == nullptr) {
    return Status(Code::kNotFound, "no NVIDIA driver on this machine: " + name);
  }
  if (!FindNeeded(library.handle_, library.functions_)) {
    return Status(Code::kNotFound, "the NVIDIA driver's NVML is too old: " + name);
  }
  FindOptional(library.handle_, library.functions_);
  return library;
}

Library::Library(Library&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), functions_(other.functions_) {}

Library::~Library() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

Status NoAnswer(const char* action, Return code) {
  return {Code::kUnavailable,
          std::string("NVML: ") + action + " failed with code " + std::to_string(code)};
}

}  // namespace distill::server::nvml
