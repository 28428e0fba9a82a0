#pragma once

#include <string>

#include "tests/bench/server/timings.h"

namespace distill::bench {

/// Times calls of CreateJob to a server in this process that only sends the job back.
Timings MeasureEcho(int num_clients, int count);

/// Times transactions that insert one row of `bytes` bytes and are on disk when they return (WAL,
/// synchronous=FULL), one after the other.
Timings MeasureInsert(size_t bytes, int count);

}  // namespace distill::bench
