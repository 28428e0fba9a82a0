#pragma once

#include <string>

namespace distill::core {

/// Makes the C library keep freed memory for the next tensor of the size, instead of giving large
/// blocks back to the system and having every page of them zeroed anew at each step. Call once, at
/// the start of main. Returns false where the C library cannot (not glibc).
/// It holds after the first ten or so allocations of a size: before glibc 2.38 the few bytes cut
/// off an aligned block go to the per-thread cache, which keeps that block from being joined with
/// its neighbour, until the cache's seven places are taken.
bool KeepFreedMemory();

/// Measures the matrix product of LibTorch's BLAS on the CPU: two 512 x 512 float32 matrices, best
/// of three. In GFLOP/s. Takes a tenth of a second with a slow BLAS. May throw c10::Error.
double MeasureMatrixProductGflops();

/// Returns a warning for the log where `gflops` (from MeasureMatrixProductGflops) tells that the
/// reference BLAS is in use, which is ten times slower than OpenBLAS; else an empty text.
std::string SlowBlasWarning(double gflops);

}  // namespace distill::core
