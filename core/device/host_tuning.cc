#include "core/device/host_tuning.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cmath>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace distill::core {

bool KeepFreedMemory() {
#ifdef __GLIBC__
  // No block is mapped on its own: glibc caps the size from which it does at 32 MiB, less than the
  // activations of one batch. Nothing at the heap's end is returned, and it grows in large strides.
  constexpr int kStride = 64 << 20;
  return ::mallopt(M_MMAP_MAX, 0) == 1 && ::mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1 &&
         ::mallopt(M_TOP_PAD, kStride) == 1;
#else
  return false;
#endif
}

double MeasureMatrixProductGflops() {
  constexpr int64_t kSize = 512;
  constexpr double kOperations = 2.0 * kSize * kSize * kSize;
  const at::NoGradGuard no_grad;
  const at::Tensor left = at::full({kSize, kSize}, 0.5F);
  const at::Tensor right = at::full({kSize, kSize}, 0.25F);
  double best = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    const at::Tensor product = at::mm(left, right);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    constexpr double kGiga = 1e9;
    best = std::max(best, kOperations / std::max(elapsed.count(), 1.0 / kGiga) / kGiga);
  }
  return best;
}

std::string SlowBlasWarning(double gflops) {
  constexpr double kSlowGflops = 10;
  if (gflops >= kSlowGflops) return "";
  return "matrix products run at " + std::to_string(std::lround(gflops)) +
         " GFLOP/s only: LibTorch uses a slow BLAS here; install OpenBLAS (Debian and Ubuntu: "
         "libopenblas0)";
}

}  // namespace distill::core
