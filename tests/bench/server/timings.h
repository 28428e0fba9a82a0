#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace distill::bench {

using Clock = std::chrono::steady_clock;

double MillisSince(Clock::time_point start);

/// How long calls took, and all of them together.
struct Timings {
  std::vector<double> millis;  // sorted
  double total_seconds = 0;

  double Quantile(double share) const;
  double PerSecond() const { return static_cast<double>(millis.size()) / total_seconds; }
};

/// Calls `call(thread, index)` `count` times from each of `num_threads` threads, and times each.
Timings Measure(int num_threads, int count, const std::function<void(int, int)>& call);

/// As Measure, with `calls_per_second` of all threads together: each call has its moment, and its
/// time counts from then on, whether or not the calls before it were done.
Timings MeasurePaced(int num_threads, int count, int calls_per_second,
                     const std::function<void(int, int)>& call);

/// Prints one line: what, calls a second, median and 99th percentile.
void Print(const std::string& what, const Timings& timings);

/// Prints one line "what: value".
void PrintFact(const std::string& what, const std::string& value);

/// Returns `value` with `digits` digits after the point.
std::string Fixed(double value, int digits);

}  // namespace distill::bench
