#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace distill::testing {

/// An entry point of a fuzz target; it ends the process where it finds a fault.
using FuzzTarget = int (*)(const uint8_t* data, size_t size);

/// Runs `target` on every file of `folders`: whole, cut at some places, and with one byte changed
/// at some more. The name of a file stands on standard error before the target sees it. Returns
/// how many files there were.
int Replay(FuzzTarget target, const std::vector<std::filesystem::path>& folders);

}  // namespace distill::testing
