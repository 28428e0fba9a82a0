// bench_server [JOBS [METRIC_ROWS]]: figures of the daemon, beside bare ones where they compare.
// Never part of a test run: see server.sh.
#include <cstdlib>
#include <iostream>

#include "tests/bench/server/measures.h"

int main(int argc, char** argv) {
  using namespace distill::bench;  // NOLINT(google-build-using-namespace): in main only
  const int jobs = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int64_t rows = argc > 2 ? std::atoll(argv[2]) : 10'000'000;
  BenchLab lab;
  lab.Start();
  // What needs a free GPU comes before the long queue.
  MeasureIngest(lab);
  MeasureWatchers(lab);
  MeasureAdoption(lab);
  MeasureSubmit(lab);
  MeasureList(lab, jobs);
  MeasureStart(lab, rows);
  return 0;
}
