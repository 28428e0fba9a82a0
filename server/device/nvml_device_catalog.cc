#include "server/device/nvml_device_catalog.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>
#include <utility>

#include "core/base/log.h"

namespace distill::server {
namespace {

constexpr int64_t kBytesPerKilobyte = 1024;

// Returns what stands after the colon of the first line of `path` that starts with `key`.
std::string ReadEntry(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (line.compare(0, key.size(), key) != 0 || colon == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

int64_t ReadMemoryEntry(const std::string& key) {
  return std::atoll(ReadEntry("/proc/meminfo", key).c_str()) * kBytesPerKilobyte;
}

std::set<std::string> EntriesOf(const std::filesystem::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    names.insert(entry.path().filename());
  }
  return names;
}

DeviceInfo WithoutLoad(DeviceInfo gpu) {
  gpu.memory_used_bytes = 0;
  gpu.utilization_percent = -1;
  gpu.temperature_celsius = -1;
  gpu.processes.clear();
  gpu.closed_because.clear();
  gpu.has_failed = false;
  return gpu;
}

void Close(DeviceInfo& gpu, const std::string& because) {
  gpu.closed_because = because;
  gpu.has_failed = true;
}

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

std::vector<DeviceInfo> DescribeCpu(int count) {
  DeviceInfo cpu;
  cpu.id = "cpu";
  cpu.name = ReadEntry("/proc/cpuinfo", "model name");
  if (cpu.name.empty()) cpu.name = "CPU";
  cpu.memory_total_bytes = ReadMemoryEntry("MemTotal");
  cpu.memory_used_bytes = cpu.memory_total_bytes - ReadMemoryEntry("MemAvailable");
  std::vector<DeviceInfo> devices(static_cast<size_t>(std::max(1, count)), cpu);
  for (size_t i = 1; i < devices.size(); ++i) devices[i].id = "cpu:" + std::to_string(i);
  return devices;
}

bool IsProgramError(int xid) {
  // Of NVIDIA's list of Xid errors: 13 graphics exception, 31 page fault, 43 stopped processing,
  // 45 clean-up after an error, 68 video processor exception, 109 context switch time-out.
  constexpr std::array<int, 6> kOfPrograms = {13, 31, 43, 45, 68, 109};
  return std::find(kOfPrograms.begin(), kOfPrograms.end(), xid) != kOfPrograms.end();
}

// An index names the GPU that had it first: when one is gone, NVML counts the others anew.
bool NvmlDeviceCatalog::IsWanted(const DeviceInfo& gpu) const {
  const std::vector<std::string>& wanted = options_.devices;
  if (known_.count(gpu.id) > 0 || Contains(wanted, "auto") || Contains(wanted, gpu.id)) return true;
  const bool is_taken = std::any_of(known_.begin(), known_.end(), [&gpu](const auto& known) {
    return known.second.index == gpu.index;
  });
  return !is_taken && Contains(wanted, std::to_string(gpu.index));
}

Result<std::vector<DeviceInfo>> NvmlDeviceCatalog::AskDriver() {
  std::set<std::string> driver_gpus = EntriesOf(options_.driver_gpus);
  if (driver_gpus != driver_gpus_) nvml_.reset();  // it knows only the GPUs of its start
  driver_gpus_ = std::move(driver_gpus);
  if (!nvml_) {
    DISTILL_ASSIGN_OR_RETURN(nvml_, loader_.Load());
  }
  Result<std::vector<DeviceInfo>> gpus = nvml_->ListGpus();
  if (gpus.ok()) {
    NoteErrors();
  } else {
    LogWarning("gpus cannot be listed", {{"error", gpus.status().ToString()}});
    nvml_.reset();
  }
  return gpus;
}

void NvmlDeviceCatalog::NoteErrors() {
  for (const GpuError& error : nvml_->TakeErrors()) {
    LogWarning("gpu error", {{"device", error.gpu}, {"xid", error.xid}});
    if (IsProgramError(error.xid)) continue;
    errors_[error.gpu] = "the driver reported the critical error Xid " + std::to_string(error.xid);
  }
}

// Finds out which GPUs are no longer there.
void NvmlDeviceCatalog::NoteGone(const std::vector<DeviceInfo>& gpus) {
  std::set<std::string> gone;
  for (const auto& [id, info] : known_) gone.insert(id);
  for (const DeviceInfo& gpu : gpus) gone.erase(gpu.id);
  for (const std::string& id : gone) {
    if (gone_.count(id) > 0) continue;
    LogWarning("gpu is gone", {{"device", id}});
    nvml_.reset();  // started anew, NVML may find it again
  }
  gone_ = std::move(gone);
}

// Those of the listed GPUs that are wanted, and behind them those that are gone.
std::vector<DeviceInfo> NvmlDeviceCatalog::WantedOf(std::vector<DeviceInfo> listed) {
  std::vector<DeviceInfo> gpus;
  for (DeviceInfo& gpu : listed) {
    if (IsWanted(gpu)) gpus.push_back(std::move(gpu));
  }
  NoteGone(gpus);
  for (const DeviceInfo& gpu : gpus) known_.emplace(gpu.id, WithoutLoad(gpu));
  for (const std::string& id : gone_) {
    gpus.push_back(known_.at(id));
    Close(gpus.back(), "it is gone: the driver no longer lists it");
  }
  return gpus;
}

std::vector<DeviceInfo> NvmlDeviceCatalog::KnownWithoutDriver() const {
  std::vector<DeviceInfo> gpus;
  for (const auto& [id, info] : known_) {
    gpus.push_back(info);
    gpus.back().closed_because = "the NVIDIA driver does not answer";
  }
  return gpus;
}

std::vector<DeviceInfo> NvmlDeviceCatalog::ListGpus() {
  Result<std::vector<DeviceInfo>> listed = AskDriver();
  std::vector<DeviceInfo> gpus =
      listed.ok() ? WantedOf(std::move(listed).value()) : KnownWithoutDriver();
  for (DeviceInfo& gpu : gpus) {
    const auto error = errors_.find(gpu.id);
    if (error != errors_.end()) Close(gpu, error->second);
  }
  return gpus;
}

std::vector<DeviceInfo> NvmlDeviceCatalog::List() {
  const std::vector<std::string>& wanted = options_.devices;
  std::vector<DeviceInfo> devices;
  if (wanted != std::vector<std::string>{"cpu"}) {
    const MutexLock lock(mutex_);
    devices = ListGpus();
  }
  const bool falls_back = Contains(wanted, "auto") && devices.empty();
  if (Contains(wanted, "cpu") || falls_back) {
    for (DeviceInfo& cpu : DescribeCpu(options_.cpu_devices)) devices.push_back(std::move(cpu));
  }
  return devices;
}

}  // namespace distill::server
