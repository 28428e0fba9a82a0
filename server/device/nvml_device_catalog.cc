#include "server/device/nvml_device_catalog.h"

#include <algorithm>
#include <fstream>

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

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

DeviceInfo DescribeCpu() {
  DeviceInfo cpu;
  cpu.id = "cpu";
  cpu.name = ReadEntry("/proc/cpuinfo", "model name");
  if (cpu.name.empty()) cpu.name = "CPU";
  cpu.memory_total_bytes = ReadMemoryEntry("MemTotal");
  cpu.memory_used_bytes = cpu.memory_total_bytes - ReadMemoryEntry("MemAvailable");
  return cpu;
}

std::vector<DeviceInfo> NvmlDeviceCatalog::ListGpus() {
  MutexLock lock(mutex_);
  if (!nvml_) {
    Result<std::unique_ptr<NvmlApi>> loaded = loader_.Load();
    if (!loaded.ok()) return {};
    nvml_ = std::move(loaded).value();
  }
  Result<std::vector<DeviceInfo>> gpus = nvml_->ListGpus();
  if (gpus.ok()) return std::move(gpus).value();
  LogWarning("gpus cannot be listed", {{"error", gpus.status().ToString()}});
  nvml_.reset();
  return {};
}

std::vector<DeviceInfo> NvmlDeviceCatalog::List() {
  const std::vector<std::string>& wanted = options_.devices;
  const bool is_auto = Contains(wanted, "auto");
  std::vector<DeviceInfo> devices;
  if (wanted != std::vector<std::string>{"cpu"}) {
    for (DeviceInfo& gpu : ListGpus()) {
      if (is_auto || Contains(wanted, gpu.id) || Contains(wanted, std::to_string(gpu.index))) {
        devices.push_back(std::move(gpu));
      }
    }
  }
  if (Contains(wanted, "cpu") || (is_auto && devices.empty())) devices.push_back(DescribeCpu());
  return devices;
}

}  // namespace distill::server
