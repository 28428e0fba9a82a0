// bench_server [JOBS [METRIC_ROWS [PART]]]: figures of the daemon, beside bare ones where they
// compare; all parts, or one. Never part of a test run: see server.sh.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/server/measures.h"

int main(int argc, char** argv) {
  using namespace distill::bench;  // NOLINT(google-build-using-namespace): in main only
  const int jobs = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int64_t rows = argc > 2 ? std::atoll(argv[2]) : 10'000'000;
  const std::string part = argc > 3 ? argv[3] : "";
  BenchLab lab;
  lab.Start();
  // What needs a free GPU comes before the long queue.
  const std::vector<std::pair<std::string, std::function<void()>>> parts = {
      {"ingest", [&] { MeasureIngest(lab); }},     {"watchers", [&] { MeasureWatchers(lab); }},
      {"adoption", [&] { MeasureAdoption(lab); }}, {"submit", [&] { MeasureSubmit(lab); }},
      {"list", [&] { MeasureList(lab, jobs); }},   {"start", [&] { MeasureStart(lab, rows); }}};
  bool is_known = part.empty();
  for (const auto& [name, measure] : parts) {
    if (!part.empty() && part != name) continue;
    is_known = true;
    measure();
  }
  if (!is_known) std::cerr << "bench_server: no such part: " << part << std::endl;
  return is_known ? 0 : 2;
}
