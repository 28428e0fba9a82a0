#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::core {

/// Sets how many threads one tensor operation may use (LibTorch's default is 1 on some machines),
/// and one inter-op thread. Call once, first thing in main. REQUIRES: num_threads >= 1.
void SetNumThreads(int num_threads);

/// Seeds every generator of LibTorch (CPU and all GPUs).
void SeedGenerators(uint64_t seed);

/// Returns LibTorch's version, e.g. "1.13.1".
std::string LibTorchVersion();

/// Returns the number of GPUs that this process can use: 0 with a LibTorch for the CPU alone.
int NumCudaDevices();

/// Parses "cpu", "cuda" (the first GPU) or "cuda:N".
/// kInvalidArgument: none of these. kFailedPrecondition: this process has no such GPU.
Result<at::Device> ParseDevice(std::string_view text);

/// Whether `device` has instructions for bfloat16: GPUs of compute capability 8.0 or newer, and
/// CPUs with AVX-512 BF16. May throw c10::Error.
bool HasFastBfloat16(const at::Device& device);

/// Makes operations choose the same algorithm each time, so that equal seeds give equal bits:
/// cuDNN's convolutions, and with `is_on_gpu` cuBLAS's products and LibTorch's own kernels, as far
/// as those have such an algorithm. The others warn (core/device/warning_scope.h).
/// `is_deterministic` false lets all take the fastest. Call once, first thing in main: it sets an
/// environment variable.
void SetDeterministic(bool is_deterministic, bool is_on_gpu);

/// Makes this process fail for want of memory once its tensors would need more than `bytes` of a
/// GPU, whatever is left there. Holds for every GPU that it uses; CUDA's own some hundred MiB come
/// on top. No effect on the CPU. kInvalidArgument: `bytes` is not positive. kFailedPrecondition:
/// this process has used a GPU before, or this LibTorch has no such limit. May throw c10::Error.
Status LimitMemory(const at::Device& device, int64_t bytes);

/// Returns the most memory in bytes that this process had at one time since it started: of a GPU
/// what its tensors took with what is kept for the next ones, which LimitMemory bounds; of the CPU
/// resident memory. 0 where this LibTorch cannot tell. May throw c10::Error.
int64_t PeakMemoryBytes(const at::Device& device);

}  // namespace distill::core
