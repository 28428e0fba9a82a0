#pragma once

namespace distill::core {

/// Turns SIGTERM and SIGINT into a flag: the run then writes a checkpoint and leaves. Call once,
/// first thing in main.
void CatchStopSignals();

/// Returns whether a stop signal has come. Thread-safe.
bool StopWasOrdered();

}  // namespace distill::core
