#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/bench/server/measures.h"
#include "tests/bench/server/timings.h"

namespace distill::bench {
namespace {

constexpr int kEpochs = 2'000;
constexpr int kSeries = 10;  // of the worker's command `wide`
constexpr int kReaders = 4;

int LastEpochOf(v1::JobService::Stub& jobs, const std::string& job, int64_t& cursor) {
  v1::ListMetricsRequest request;
  request.set_job(job);
  request.set_after_cursor(cursor);
  v1::ListMetricsResponse response;
  Check(jobs.ListMetrics(Context().get(), request, &response), "metrics");
  cursor = response.cursor();
  int last = 0;
  for (const v1::MetricSeries& series : response.series()) {
    for (const v1::MetricPoint& point : series.points()) last = std::max(last, point.epoch());
  }
  return last;
}

std::vector<std::string> StartOnAllGpus(BenchLab& lab) {
  std::vector<std::string> jobs;
  for (int index = 0; index < BenchLab::kNumGpus; ++index) jobs.push_back(lab.Submit());
  for (const std::string& job : jobs) {
    BenchLab::Await("a running job", [&] { return lab.StateOf(job) == v1::JOB_STATE_RUNNING; });
  }
  return jobs;
}

// One watcher: when it saw the job CANCELLED.
struct Watcher {
  std::thread thread;
  std::atomic<bool> is_open = false;
  Clock::time_point seen;
};

void Watch(BenchLab& lab, const std::string& job, Watcher& watcher) {
  const auto stub = v1::JobService::NewStub(lab.NewChannel());
  const auto context = Context();
  v1::WatchJobRequest request;
  request.set_job(job);
  const auto reader = stub->WatchJob(context.get(), request);
  for (v1::WatchJobResponse response; reader->Read(&response);) {
    watcher.is_open = true;
    if (response.job().state() == v1::JOB_STATE_CANCELLED) watcher.seen = Clock::now();
  }
  Check(reader->Finish(), "watch");
}

}  // namespace

void MeasureIngest(BenchLab& lab) {
  lab.SetScript("started;wait go;wide 1 " + std::to_string(kEpochs) + ";outcome 8 0");
  const std::vector<std::string> jobs = StartOnAllGpus(lab);
  std::atomic<bool> is_over = false;
  std::atomic<int> num_reads = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      const auto stub = v1::JobService::NewStub(lab.NewChannel());
      int64_t cursor = 0;
      while (!is_over) {
        LastEpochOf(*stub, jobs[static_cast<size_t>(reader)], cursor);
        ++num_reads;
      }
    });
  }
  const auto start = Clock::now();
  for (const std::string& job : jobs) lab.Touch(job, "go");
  for (const std::string& job : jobs) {
    BenchLab::Await("a job's end", [&] { return lab.StateOf(job) == v1::JOB_STATE_SUCCEEDED; });
  }
  const double seconds = MillisSince(start) / 1000;
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  const double rows = static_cast<double>(kEpochs) * kSeries * BenchLab::kNumGpus;
  PrintFact("metric rows from 16 journals, 4 clients reading",
            Fixed(rows / seconds, 0) + " rows/s (" + Fixed(rows, 0) + " rows, " +
                std::to_string(num_reads) + " reads)");
}

void MeasureWatchers(BenchLab& lab) {
  constexpr size_t kWatchers = 200;
  lab.SetScript("started;wait go");
  const double before = lab.MemoryMiB();
  const std::string job = lab.Submit();
  std::vector<Watcher> watchers(kWatchers);
  for (Watcher& watcher : watchers) {
    watcher.thread = std::thread([&] { Watch(lab, job, watcher); });
  }
  BenchLab::Await("all watchers", [&] {
    return std::all_of(watchers.begin(), watchers.end(),
                       [](auto& one) { return one.is_open.load(); });
  });
  const double with_watchers = lab.MemoryMiB();
  v1::CancelJobRequest request;
  request.set_job(job);
  v1::Job answer;
  const auto start = Clock::now();
  Check(lab.jobs().CancelJob(Context().get(), request, &answer), "cancel");
  Timings delays;
  for (Watcher& watcher : watchers) {
    watcher.thread.join();
    delays.millis.push_back(
        std::chrono::duration<double, std::milli>(watcher.seen - start).count());
  }
  std::sort(delays.millis.begin(), delays.millis.end());
  PrintFact("200 watchers, from a cancel to its sight", "p50 " + Fixed(delays.Quantile(0.5), 1) +
                                                            " ms, last " +
                                                            Fixed(delays.millis.back(), 1) + " ms");
  PrintFact("memory of distilld with 200 watchers",
            Fixed(with_watchers, 0) + " MiB (" + Fixed(before, 0) + " MiB before)");
}

}  // namespace distill::bench
