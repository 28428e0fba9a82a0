#include "core/device/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "core/device/torch_version.h"
// Before 2.9 a GPU's allocator can be asked only with CUDA's own headers at hand.
#if DISTILL_TORCH_AT_LEAST(2, 9)
#include <c10/core/CachingDeviceAllocator.h>
#endif
// The share of a GPU that a process may take is a setting of the allocator, which can be given
// without CUDA's headers since then.
#if DISTILL_TORCH_AT_LEAST(2, 11)
#include <c10/core/AllocatorConfig.h>
#endif

namespace distill::core {

void SetNumThreads(int num_threads) {
  at::set_num_threads(num_threads);
  at::set_num_interop_threads(1);
}

void SeedGenerators(uint64_t seed) { at::manual_seed(seed); }

std::string LibTorchVersion() { return TORCH_VERSION; }

int NumCudaDevices() {
  return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
}

Result<at::Device> ParseDevice(std::string_view text) {
  constexpr std::string_view kCuda = "cuda";
  if (text == "cpu") return at::Device(at::kCPU);
  const Status bad(Code::kInvalidArgument,
                   "not a device; \"cpu\", \"cuda\" or \"cuda:N\" is: " + std::string(text));
  if (text.substr(0, kCuda.size()) != kCuda) return bad;
  int index = 0;
  std::string_view rest = text.substr(kCuda.size());
  if (!rest.empty()) {
    const char* end = rest.data() + rest.size();
    if (rest[0] != ':' || rest.size() < 2 || rest[1] == '-') return bad;
    const auto parsed = std::from_chars(rest.data() + 1, end, index);
    if (parsed.ec != std::errc() || parsed.ptr != end) return bad;
  }
  const int num_devices = NumCudaDevices();
  if (index >= num_devices) {
    return Status(Code::kFailedPrecondition, "no GPU " + std::to_string(index) +
                                                 ": this process can use " +
                                                 std::to_string(num_devices));
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

namespace {

bool CpuHasBfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

bool HasFastBfloat16(const at::Device& device) {
  if (device.is_cpu()) return CpuHasBfloat16();
  const c10::DeviceGuard guard(device);
  // LibTorch answers for the current GPU: compute capability >= 8.0 and cuDNN >= 8.
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

void SetDeterministic(bool is_deterministic, bool is_on_gpu) {
  at::Context& context = at::globalContext();
  context.setBenchmarkCuDNN(!is_deterministic);
  context.setDeterministicCuDNN(is_deterministic);
  if (!is_on_gpu) return;
  // cuBLAS reads it when it starts.
  if (is_deterministic) ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  context.setDeterministicAlgorithms(is_deterministic, /*warn_only=*/true);
#if DISTILL_TORCH_AT_LEAST(2, 2)
  // What is read before it is written would be a bug; filling all memory costs time.
  context.setDeterministicFillUninitializedMemory(false);
#endif
}

namespace {

int64_t PeakResidentBytes() {
  constexpr int64_t kBytesPerUnit = 1024;  // ru_maxrss counts in KiB on Linux
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return int64_t{usage.ru_maxrss} * kBytesPerUnit;
}

}  // namespace

Status LimitMemory(const at::Device& device, int64_t bytes) {
  if (!device.is_cuda()) return {};
  if (bytes <= 0) {
    return {Code::kInvalidArgument,
            "a limit of GPU memory must be positive, in bytes: " + std::to_string(bytes)};
  }
#if DISTILL_TORCH_AT_LEAST(2, 11)
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  // It reads its settings once, when it starts.
  if (allocator->initialized()) {
    return {Code::kFailedPrecondition,
            "GPU memory can be limited only before a process uses a GPU for the first time"};
  }
  const auto [free, total] = allocator->getMemoryInfo(device.index());
  const double share = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total));
  c10::CachingAllocator::setAllocatorSettings("per_process_memory_fraction:" +
                                              std::to_string(share));
  return {};
#else
  return {Code::kFailedPrecondition, "GPU memory cannot be limited with LibTorch " +
                                         LibTorchVersion() + ", which needs 2.11 for it"};
#endif
}

int64_t PeakMemoryBytes(const at::Device& device) {
  if (!device.is_cuda()) return PeakResidentBytes();
#if DISTILL_TORCH_AT_LEAST(2, 9)
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  // The first entry of each statistic is the sum over all pools.
  return stats.reserved_bytes[0].peak;
#else
  return 0;
#endif
}

}  // namespace distill::core
