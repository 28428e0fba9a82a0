#include "server/device/nvml.h"

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <utility>

namespace distill::server {
namespace {

// The few declarations of NVIDIA's nvml.h (API version 12, stable since 2.x) that are used here.
using NvmlReturn = int;
using NvmlDevice = void*;
constexpr NvmlReturn kNvmlSuccess = 0;
constexpr unsigned kTemperatureOfGpu = 0;
constexpr size_t kTextBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, NVML_DEVICE_UUID_V2_...

struct NvmlMemory {
  unsigned long long total;  // NOLINT(google-runtime-int): as the library declares it
  unsigned long long free;
  unsigned long long used;
};

struct NvmlUtilization {
  unsigned gpu;
  unsigned memory;
};

struct NvmlFunctions {
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  NvmlReturn (*count)(unsigned*) = nullptr;
  NvmlReturn (*by_index)(unsigned, NvmlDevice*) = nullptr;
  NvmlReturn (*name)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  NvmlReturn (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  NvmlReturn (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  NvmlReturn (*temperature)(NvmlDevice, unsigned, unsigned*) = nullptr;
};

// An open shared library, closed on destruction.
class SharedLibrary {
 public:
  explicit SharedLibrary(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}
  ~SharedLibrary() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  SharedLibrary(SharedLibrary&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;
  SharedLibrary& operator=(SharedLibrary&&) = delete;

  bool is_open() const { return handle_ != nullptr; }

  // Sets `function` to the symbol; returns whether the library has it.
  template <typename Function>
  bool Find(const char* symbol, Function& function) const {
    function = reinterpret_cast<Function>(::dlsym(handle_, symbol));
    return function != nullptr;
  }

 private:
  void* handle_;
};

Status NoAnswer(const char* action, NvmlReturn code) {
  return {Code::kUnavailable,
          std::string("NVML: ") + action + " failed with code " + std::to_string(code)};
}

class LoadedNvml final : public NvmlApi {
 public:
  LoadedNvml(SharedLibrary library, const NvmlFunctions& functions)
      : library_(std::move(library)), nvml_(functions) {}
  ~LoadedNvml() override { nvml_.shutdown(); }

  Result<std::vector<DeviceInfo>> ListGpus() override {
    unsigned count = 0;
    if (const NvmlReturn code = nvml_.count(&count); code != kNvmlSuccess) {
      return NoAnswer("count the devices", code);
    }
    std::vector<DeviceInfo> gpus;
    for (unsigned index = 0; index < count; ++index) {
      // A GPU that has fallen off the bus is left out; the others go on.
      Result<DeviceInfo> gpu = Describe(index);
      if (gpu.ok()) gpus.push_back(std::move(gpu).value());
    }
    return gpus;
  }

 private:
  Result<DeviceInfo> Describe(unsigned index) const {
    NvmlDevice device = nullptr;
    if (const NvmlReturn code = nvml_.by_index(index, &device); code != kNvmlSuccess) {
      return NoAnswer("open a device", code);
    }
    std::array<char, kTextBytes> text{};
    if (const NvmlReturn code = nvml_.uuid(device, text.data(), kTextBytes); code != kNvmlSuccess) {
      return NoAnswer("read a UUID", code);
    }
    DeviceInfo info;
    info.id = text.data();
    info.index = static_cast<int>(index);
    text.fill('\0');
    info.name = nvml_.name(device, text.data(), kTextBytes) == kNvmlSuccess ? text.data() : "GPU";
    NvmlMemory memory{};
    if (nvml_.memory(device, &memory) == kNvmlSuccess) {
      info.memory_total_bytes = static_cast<int64_t>(memory.total);
      info.memory_used_bytes = static_cast<int64_t>(memory.used);
    }
    NvmlUtilization utilization{};
    if (nvml_.utilization(device, &utilization) == kNvmlSuccess) {
      info.utilization_percent = static_cast<int>(utilization.gpu);
    }
    unsigned celsius = 0;
    if (nvml_.temperature(device, kTemperatureOfGpu, &celsius) == kNvmlSuccess) {
      info.temperature_celsius = static_cast<int>(celsius);
    }
    return info;
  }

  SharedLibrary library_;
  NvmlFunctions nvml_;
};

}  // namespace

Result<std::unique_ptr<NvmlApi>> SystemNvmlLoader::Load() {
  SharedLibrary library("libnvidia-ml.so.1");
  if (!library.is_open()) return Status(Code::kNotFound, "no NVIDIA driver on this machine");
  NvmlFunctions functions;
  const bool is_complete = library.Find("nvmlInit_v2", functions.init) &&
                           library.Find("nvmlShutdown", functions.shutdown) &&
                           library.Find("nvmlDeviceGetCount_v2", functions.count) &&
                           library.Find("nvmlDeviceGetHandleByIndex_v2", functions.by_index) &&
                           library.Find("nvmlDeviceGetName", functions.name) &&
                           library.Find("nvmlDeviceGetUUID", functions.uuid) &&
                           library.Find("nvmlDeviceGetMemoryInfo", functions.memory) &&
                           library.Find("nvmlDeviceGetUtilizationRates", functions.utilization) &&
                           library.Find("nvmlDeviceGetTemperature", functions.temperature);
  if (!is_complete) return Status(Code::kNotFound, "the NVIDIA driver's NVML is too old");
  if (const NvmlReturn code = functions.init(); code != kNvmlSuccess) {
    return NoAnswer("start", code);
  }
  return std::unique_ptr<NvmlApi>(std::make_unique<LoadedNvml>(std::move(library), functions));
}

}  // namespace distill::server
