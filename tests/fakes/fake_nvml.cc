// A stand-in for NVIDIA's libnvidia-ml.so.1, for machines without a GPU: the daemon under test
// loads it by its option nvml_library. It reads the file that FAKE_NVML_STATE names anew at each
// look (each nvmlDeviceGetCount_v2), one fact a line:
//
//   gpu UUID TOTAL_MIB BASE_MIB UTILIZATION CELSIUS NAME...   in PCI order; BASE_MIB are in use
//   process UUID PID MIB                                      -1 MIB: the driver does not tell
//   ecc UUID ERRORS                                           uncorrected ones
//   xid UUID NUMBER                                           an error; told once, when it is new
//   silent                                                    the driver answers nothing
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "server/device/nvml_library.h"

namespace {

namespace nvml = distill::server::nvml;
using nvml::kSuccess;
using nvml::Return;

constexpr Return kInvalidArgument = 2;
constexpr Return kTimeout = 10;
constexpr Return kUnknown = 999;
constexpr nvml::Number kMiB = nvml::Number{1} << 20U;

struct Gpu {
  std::string uuid;
  std::string name;
  long long total_mib = 0;
  long long used_mib = 0;
  unsigned utilization = 0;
  unsigned celsius = 0;
  nvml::Number ecc_errors = 0;
  std::vector<nvml::Process> processes;
};

struct Xid {
  std::string uuid;
  int number = 0;
};

struct State {
  bool is_silent = true;
  std::vector<Gpu> gpus;
  std::vector<Xid> xids;
};

State state;  // as of the last look
size_t num_xids_told = 0;

// UUIDs ever seen; a device's handle is its place here, so that it stays the same.
std::vector<std::string> handles;

Gpu* Find(const std::string& uuid) {
  for (Gpu& gpu : state.gpus) {
    if (gpu.uuid == uuid) return &gpu;
  }
  return nullptr;
}

// NOLINTNEXTLINE(performance-no-int-to-ptr): nobody looks behind it
nvml::Device HandleAt(size_t place) { return reinterpret_cast<nvml::Device>(place); }

nvml::Device HandleOf(const std::string& uuid) {
  const auto found = std::find(handles.begin(), handles.end(), uuid);
  if (found == handles.end()) {
    handles.push_back(uuid);
    return HandleAt(handles.size());
  }
  return HandleAt(static_cast<size_t>(found - handles.begin()) + 1);
}

Gpu* GpuOf(nvml::Device device) {
  const auto place = reinterpret_cast<size_t>(device);
  return place == 0 || place > handles.size() ? nullptr : Find(handles[place - 1]);
}

void AddProcess(std::istringstream& words) {
  std::string uuid;
  long long mib = 0;
  nvml::Process process{};
  words >> uuid >> process.pid >> mib;
  Gpu* const gpu = Find(uuid);
  if (gpu == nullptr) return;
  process.used_memory = mib < 0 ? nvml::kUnknownMemory : static_cast<nvml::Number>(mib) * kMiB;
  gpu->used_mib += std::max(mib, 0LL);
  gpu->processes.push_back(process);
}

void AddFact(const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  words >> kind;
  if (kind == "gpu") {
    Gpu gpu;
    words >> gpu.uuid >> gpu.total_mib >> gpu.used_mib >> gpu.utilization >> gpu.celsius;
    std::getline(words >> std::ws, gpu.name);
    state.gpus.push_back(gpu);
  } else if (kind == "process") {
    AddProcess(words);
  } else if (kind == "ecc") {
    std::string uuid;
    nvml::Number errors = 0;
    words >> uuid >> errors;
    if (Gpu* gpu = Find(uuid)) gpu->ecc_errors = errors;
  } else if (kind == "xid") {
    Xid xid;
    words >> xid.uuid >> xid.number;
    state.xids.push_back(xid);
  } else if (kind == "silent") {
    state.is_silent = true;
  }
}

void Look() {
  const char* path = std::getenv("FAKE_NVML_STATE");
  std::ifstream file(path != nullptr ? path : "");
  state = State();
  state.is_silent = !file;
  for (std::string line; std::getline(file, line);) AddFact(line);
}

Return Copy(const std::string& from, char* to, unsigned size) {
  std::snprintf(to, size, "%s", from.c_str());
  return kSuccess;
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the names of NVIDIA's library
extern "C" {

Return nvmlInit_v2() {
  Look();
  return state.is_silent ? kUnknown : kSuccess;
}

Return nvmlShutdown() { return kSuccess; }

Return nvmlDeviceGetCount_v2(unsigned* count) {
  Look();
  *count = static_cast<unsigned>(state.gpus.size());
  return state.is_silent ? kUnknown : kSuccess;
}

Return nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml::Device* device) {
  if (index >= state.gpus.size()) return kInvalidArgument;
  *device = HandleOf(state.gpus[index].uuid);
  return kSuccess;
}

Return nvmlDeviceGetName(nvml::Device device, char* name, unsigned size) {
  const Gpu* gpu = GpuOf(device);
  return gpu == nullptr ? kInvalidArgument : Copy(gpu->name, name, size);
}

Return nvmlDeviceGetUUID(nvml::Device device, char* uuid, unsigned size) {
  const Gpu* gpu = GpuOf(device);
  return gpu == nullptr ? kInvalidArgument : Copy(gpu->uuid, uuid, size);
}

Return nvmlDeviceGetPciInfo_v3(nvml::Device device, nvml::PciInfo* pci) {
  if (GpuOf(device) == nullptr) return kInvalidArgument;
  const std::string id = "0000000" + std::to_string(reinterpret_cast<size_t>(device)) + ":00:00.0";
  return Copy(id, pci->bus_id.data(), static_cast<unsigned>(pci->bus_id.size()));
}

Return nvmlDeviceGetMemoryInfo(nvml::Device device, nvml::Memory* memory) {
  const Gpu* gpu = GpuOf(device);
  if (gpu == nullptr) return kInvalidArgument;
  memory->total = static_cast<nvml::Number>(gpu->total_mib) * kMiB;
  memory->used = static_cast<nvml::Number>(gpu->used_mib) * kMiB;
  memory->free = memory->total - memory->used;
  return kSuccess;
}

Return nvmlDeviceGetUtilizationRates(nvml::Device device, nvml::Utilization* utilization) {
  const Gpu* gpu = GpuOf(device);
  if (gpu == nullptr) return kInvalidArgument;
  *utilization = {gpu->utilization, 0};
  return kSuccess;
}

Return nvmlDeviceGetTemperature(nvml::Device device, unsigned /*sensor*/, unsigned* celsius) {
  const Gpu* gpu = GpuOf(device);
  if (gpu == nullptr) return kInvalidArgument;
  *celsius = gpu->celsius;
  return kSuccess;
}

Return nvmlDeviceGetComputeRunningProcesses_v3(nvml::Device device, unsigned* count,
                                               nvml::Process* processes) {
  const Gpu* gpu = GpuOf(device);
  if (gpu == nullptr) return kInvalidArgument;
  const unsigned room = *count;
  *count = static_cast<unsigned>(gpu->processes.size());
  if (room < *count) return nvml::kInsufficientSize;
  std::copy(gpu->processes.begin(), gpu->processes.end(), processes);
  return kSuccess;
}

Return nvmlDeviceGetTotalEccErrors(nvml::Device device, unsigned type, unsigned /*counter*/,
                                   nvml::Number* errors) {
  const Gpu* gpu = GpuOf(device);
  if (gpu == nullptr || type != nvml::kUncorrectedErrors) return kInvalidArgument;
  *errors = gpu->ecc_errors;
  return kSuccess;
}

// Errors that the file holds already are old.
Return nvmlEventSetCreate(nvml::EventSet* set) {
  *set = &state;
  num_xids_told = state.xids.size();
  return kSuccess;
}

Return nvmlEventSetFree(nvml::EventSet /*set*/) { return kSuccess; }

Return nvmlDeviceRegisterEvents(nvml::Device device, nvml::Number types, nvml::EventSet /*set*/) {
  return GpuOf(device) != nullptr && types == nvml::kXidEvent ? kSuccess : kInvalidArgument;
}

Return nvmlEventSetWait_v2(nvml::EventSet /*set*/, nvml::Event* event, unsigned /*timeout_ms*/) {
  if (num_xids_told >= state.xids.size()) return kTimeout;
  const Xid& xid = state.xids[num_xids_told++];
  event->device = HandleOf(xid.uuid);
  event->type = nvml::kXidEvent;
  event->data = static_cast<nvml::Number>(xid.number);
  return kSuccess;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
