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

/// Makes convolutions choose the same algorithm each time (cuDNN: benchmark mode off,
/// deterministic algorithms only), so that equal seeds give equal bits. `is_deterministic` false
/// lets cuDNN try algorithms out and take the fastest.
void SetDeterministicConvolutions(bool is_deterministic);

/// Makes this process fail for want of memory once its tensors would need more than `bytes` of a
/// GPU, whatever is left there. To be called before the first tensor. No effect on the CPU.
/// kInvalidArgument: `bytes` is not positive. kFailedPrecondition: this LibTorch has no such limit.
/// May throw c10::Error.
Status LimitMemory(const at::Device& device, int64_t bytes);

/// Returns the most memory in bytes that was in use at one time: of a GPU by tensors of this
/// process since ResetPeakMemory; of the CPU by this process since it started (resident memory).
/// 0 where this LibTorch cannot tell. May throw c10::Error.
int64_t PeakMemoryBytes(const at::Device& device);

/// Starts PeakMemoryBytes anew for a GPU; no effect for the CPU. May throw c10::Error.
void ResetPeakMemory(const at::Device& device);

}  // namespace distill::core
