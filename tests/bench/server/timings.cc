#include "tests/bench/server/timings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <thread>

namespace distill::bench {

double MillisSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double Timings::Quantile(double share) const {
  if (millis.empty()) return 0;
  const auto index = static_cast<size_t>(share * static_cast<double>(millis.size()));
  return millis[std::min(index, millis.size() - 1)];
}

namespace {

// `begin_of` tells, in the calling thread, when a call begins.
Timings MeasureFrom(int num_threads, int count,
                    const std::function<Clock::time_point(int, int)>& begin_of,
                    const std::function<void(int, int)>& call) {
  std::vector<std::vector<double>> of_thread(static_cast<size_t>(num_threads));
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < num_threads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int index = 0; index < count; ++index) {
        const auto begin = begin_of(thread, index);
        call(thread, index);
        of_thread[static_cast<size_t>(thread)].push_back(MillisSince(begin));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Timings timings;
  timings.total_seconds = MillisSince(start) / 1000;
  for (const auto& times : of_thread) {
    timings.millis.insert(timings.millis.end(), times.begin(), times.end());
  }
  std::sort(timings.millis.begin(), timings.millis.end());
  return timings;
}

}  // namespace

Timings Measure(int num_threads, int count, const std::function<void(int, int)>& call) {
  return MeasureFrom(
      num_threads, count, [](int, int) { return Clock::now(); }, call);
}

Timings MeasurePaced(int num_threads, int count, int calls_per_second,
                     const std::function<void(int, int)>& call) {
  const auto start = Clock::now();
  const auto begin_of = [&](int thread, int index) {
    const std::chrono::duration<double> after(static_cast<double>(index * num_threads + thread) /
                                              calls_per_second);
    const auto begin = start + std::chrono::duration_cast<Clock::duration>(after);
    std::this_thread::sleep_until(begin);
    return begin;
  };
  return MeasureFrom(num_threads, count, begin_of, call);
}

std::string Fixed(double value, int digits) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<size_t>(size)};
}

void Print(const std::string& what, const Timings& timings) {
  PrintFact(what, Fixed(timings.PerSecond(), 0) + "/s, p50 " + Fixed(timings.Quantile(0.5), 2) +
                      " ms, p99 " + Fixed(timings.Quantile(0.99), 2) + " ms");
}

void PrintFact(const std::string& what, const std::string& value) {
  constexpr size_t kWidth = 46;
  std::cout << what << std::string(kWidth - std::min(kWidth - 1, what.size()), ' ') << value
            << std::endl;
}

}  // namespace distill::bench
