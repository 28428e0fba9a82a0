#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace distill::server {

/// Blocks SIGTERM and SIGINT for this thread and those it starts, so that WaitForStopSignal() gets
/// them. Call it before any thread is started.
void BlockStopSignals();

/// Asks this process to stop, as SIGTERM does. Never blocks; from any thread.
void AskToStop();

/// Blocks until SIGTERM or SIGINT comes and returns its number; calls `on_tick` every `interval`
/// meanwhile, where there is one. The next signal then ends the process at once.
int WaitForStopSignal(std::optional<std::chrono::milliseconds> interval,
                      const std::function<void()>& on_tick);

}  // namespace distill::server
