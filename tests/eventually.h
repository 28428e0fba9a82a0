#pragma once

#include <chrono>
#include <thread>

namespace distill::testing {

/// Waits until `condition()` is true, where another thread or process makes it so. Returns false
/// when it is still false after `limit`.
template <typename Condition>
bool Eventually(std::chrono::milliseconds limit, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace distill::testing
