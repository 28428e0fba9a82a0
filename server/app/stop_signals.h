#pragma once

namespace distill::server {

/// Blocks SIGTERM and SIGINT for this thread and those it starts, so that WaitForStopSignal() gets
/// them. Call it before any thread is started.
void BlockStopSignals();

/// Blocks until SIGTERM or SIGINT comes and returns its number. The next one then ends the process
/// at once.
int WaitForStopSignal();

}  // namespace distill::server
