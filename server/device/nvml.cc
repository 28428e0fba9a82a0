#include "server/device/nvml.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "server/device/nvml_library.h"
#include "server/device/process_owner.h"

namespace distill::server {
namespace {

using nvml::kSuccess;
using nvml::kTextBytes;
using nvml::NoAnswer;

int64_t Bytes(nvml::Number number) { return static_cast<int64_t>(number); }

bool IsListed(const DeviceInfo& gpu, int pid) {
  return std::any_of(gpu.processes.begin(), gpu.processes.end(),
                     [pid](const DeviceProcess& process) { return process.pid == pid; });
}

class LoadedNvml final : public NvmlApi {
 public:
  explicit LoadedNvml(nvml::Library library)
      : library_(std::move(library)), nvml_(library_.functions()) {
    if (nvml_.make_event_set != nullptr && nvml_.make_event_set(&events_) != kSuccess) {
      events_ = nullptr;
    }
  }
  ~LoadedNvml() override {
    if (events_ != nullptr) nvml_.free_event_set(events_);
    nvml_.shutdown();
  }
  LoadedNvml(const LoadedNvml&) = delete;
  LoadedNvml& operator=(const LoadedNvml&) = delete;

  Result<std::vector<DeviceInfo>> ListGpus() override;
  std::vector<GpuError> TakeErrors() override;

 private:
  using ProcessFunction = nvml::Return (*)(nvml::Device, unsigned*, nvml::Process*);

  Result<DeviceInfo> Describe(unsigned index);
  Result<std::string> Uuid(nvml::Device device) const;
  void ReadMemory(nvml::Device device, DeviceInfo& info) const;
  void ReadLoad(nvml::Device device, DeviceInfo& info) const;
  void ReadHealth(nvml::Device device, DeviceInfo& info) const;
  void ReadProcesses(nvml::Device device, ProcessFunction list, DeviceInfo& info) const;
  void RegisterEvents(nvml::Device device, const std::string& uuid);

  const nvml::Library library_;
  const nvml::Functions& nvml_;
  nvml::EventSet events_ = nullptr;                 // null: the driver has none
  std::map<nvml::Device, std::string> registered_;  // with the UUID
};

Result<std::vector<DeviceInfo>> LoadedNvml::ListGpus() {
  unsigned count = 0;
  if (const nvml::Return code = nvml_.count(&count); code != kSuccess) {
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

Result<std::string> LoadedNvml::Uuid(nvml::Device device) const {
  std::array<char, kTextBytes> text{};
  if (const nvml::Return code = nvml_.uuid(device, text.data(), kTextBytes); code != kSuccess) {
    return NoAnswer("read a UUID", code);
  }
  return std::string(text.data());
}

Result<DeviceInfo> LoadedNvml::Describe(unsigned index) {
  nvml::Device device = nullptr;
  if (const nvml::Return code = nvml_.by_index(index, &device); code != kSuccess) {
    return NoAnswer("open a device", code);
  }
  DeviceInfo info;
  DISTILL_ASSIGN_OR_RETURN(info.id, Uuid(device));
  info.index = static_cast<int>(index);
  std::array<char, kTextBytes> text{};
  info.name = nvml_.name(device, text.data(), kTextBytes) == kSuccess ? text.data() : "GPU";
  nvml::PciInfo pci{};
  if (nvml_.pci_info != nullptr && nvml_.pci_info(device, &pci) == kSuccess) {
    info.pci_bus_id = pci.bus_id.data();
  }
  ReadMemory(device, info);
  ReadLoad(device, info);
  ReadHealth(device, info);
  ReadProcesses(device, nvml_.compute_processes, info);
  ReadProcesses(device, nvml_.graphics_processes, info);
  RegisterEvents(device, info.id);
  return info;
}

// The driver's own share is no part of the total: nobody can have it.
void LoadedNvml::ReadMemory(nvml::Device device, DeviceInfo& info) const {
  nvml::MemoryV2 with_reserve{};
  with_reserve.version = nvml::kMemoryV2;
  if (nvml_.memory_v2 != nullptr && nvml_.memory_v2(device, &with_reserve) == kSuccess) {
    info.memory_total_bytes = Bytes(with_reserve.total - with_reserve.reserved);
    info.memory_used_bytes = Bytes(with_reserve.used);
    return;
  }
  nvml::Memory memory{};
  if (nvml_.memory(device, &memory) != kSuccess) return;
  info.memory_total_bytes = Bytes(memory.total);
  info.memory_used_bytes = Bytes(memory.used);
}

void LoadedNvml::ReadLoad(nvml::Device device, DeviceInfo& info) const {
  nvml::Utilization utilization{};
  if (nvml_.utilization(device, &utilization) == kSuccess) {
    info.utilization_percent = static_cast<int>(utilization.gpu);
  }
  unsigned celsius = 0;
  if (nvml_.temperature(device, nvml::kTemperatureOfGpu, &celsius) == kSuccess) {
    info.temperature_celsius = static_cast<int>(celsius);
  }
}

void LoadedNvml::ReadHealth(nvml::Device device, DeviceInfo& info) const {
  nvml::Number errors = 0;
  if (nvml_.ecc_errors != nullptr &&
      nvml_.ecc_errors(device, nvml::kUncorrectedErrors, nvml::kSinceReset, &errors) == kSuccess &&
      errors > 0) {
    info.closed_because = "uncorrected memory errors since its reset: " + std::to_string(errors);
  }
  unsigned corrected = 0;
  unsigned uncorrected = 0;
  unsigned is_pending = 0;
  unsigned has_failed = 0;
  if (nvml_.remapped_rows != nullptr &&
      nvml_.remapped_rows(device, &corrected, &uncorrected, &is_pending, &has_failed) == kSuccess &&
      has_failed != 0) {
    info.closed_because = "its memory has no spare rows left";
  }
  info.has_failed = !info.closed_because.empty();
}

void LoadedNvml::ReadProcesses(nvml::Device device, ProcessFunction list, DeviceInfo& info) const {
  if (list == nullptr) return;
  constexpr unsigned kRoom = 64;
  std::vector<nvml::Process> found(kRoom);
  unsigned count = kRoom;
  nvml::Return code = list(device, &count, found.data());
  if (code == nvml::kInsufficientSize) {
    count += kRoom;  // others may come meanwhile
    found.resize(count);
    code = list(device, &count, found.data());
  }
  if (code != kSuccess) return;
  found.resize(count);
  for (const nvml::Process& from : found) {
    if (IsListed(info, static_cast<int>(from.pid))) continue;  // it computes and draws
    DeviceProcess& process = info.processes.emplace_back();
    process.pid = static_cast<int>(from.pid);
    if (from.used_memory != nvml::kUnknownMemory) process.memory_bytes = Bytes(from.used_memory);
    FillOwner(process);
  }
}

void LoadedNvml::RegisterEvents(nvml::Device device, const std::string& uuid) {
  if (events_ == nullptr || !registered_.emplace(device, uuid).second) return;
  // Not tried again after a failure: a GPU without such events goes on without.
  [[maybe_unused]] const nvml::Return code =
      nvml_.register_events(device, nvml::kXidEvent, events_);
}

std::vector<GpuError> LoadedNvml::TakeErrors() {
  constexpr int kMost = 100;  // at a time, whatever the driver says
  std::vector<GpuError> errors;
  nvml::Event event{};
  for (int i = 0; i < kMost && events_ != nullptr; ++i) {
    if (nvml_.wait_for_event(events_, &event, /*timeout_ms=*/0) != kSuccess) break;
    const auto gpu = registered_.find(event.device);
    if (gpu != registered_.end()) errors.push_back({gpu->second, static_cast<int>(event.data)});
  }
  return errors;
}

}  // namespace

Result<std::unique_ptr<NvmlApi>> SystemNvmlLoader::Load() {
  DISTILL_ASSIGN_OR_RETURN(nvml::Library library, nvml::Library::Open(library_));
  if (const nvml::Return code = library.functions().init(); code != kSuccess) {
    return NoAnswer("start", code);
  }
  return std::unique_ptr<NvmlApi>(std::make_unique<LoadedNvml>(std::move(library)));
}

}  // namespace distill::server
