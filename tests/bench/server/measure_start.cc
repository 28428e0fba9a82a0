#include <SQLiteCpp/SQLiteCpp.h>

#include <csignal>

#include "tests/bench/server/measures.h"
#include "tests/bench/server/timings.h"

namespace distill::bench {
namespace {

// Rows as the store writes them, of jobs that nobody asks for: only their number matters here.
void FillMetrics(const std::filesystem::path& file, int64_t num_rows) {
  constexpr int64_t kSeries = 10;
  constexpr int64_t kEpochs = 1'000;
  constexpr int64_t kFirstJob = 1'000'000;
  SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
  database.exec("PRAGMA synchronous = OFF");
  SQLite::Transaction transaction(database);
  for (int64_t series = 0; series < kSeries; ++series) {
    database.exec("INSERT OR IGNORE INTO series (name) VALUES ('bench/" + std::to_string(series) +
                  "')");
  }
  database.exec(
      "CREATE TEMP TABLE generated AS WITH RECURSIVE numbers (value) AS (SELECT 1 UNION ALL"
      " SELECT value + 1 FROM numbers WHERE value < " +
      std::to_string(kEpochs) + ") SELECT value FROM numbers");
  SQLite::Statement insert(database,
                           "INSERT INTO metric_point (job, series, epoch, step, attempt, value,"
                           " at_unix_ms, sequence) SELECT ?, (SELECT id FROM series WHERE name ="
                           " 'bench/' || ?), value, value * 10, 1, 0.5, 1700000000000, value"
                           " FROM generated");
  for (int64_t rows = 0; rows < num_rows; rows += kEpochs) {
    const int64_t block = rows / kEpochs;
    insert.reset();
    insert.bind(1, kFirstJob + block / kSeries);
    insert.bind(2, std::to_string(block % kSeries));
    insert.exec();
  }
  transaction.commit();
}

}  // namespace

void MeasureStart(BenchLab& lab, int64_t num_rows) {
  lab.Stop(SIGTERM);
  FillMetrics(lab.state() / "metrics.db", num_rows);
  const auto bytes = std::filesystem::file_size(lab.state() / "metrics.db");
  constexpr double kBytesPerMiB = 1024 * 1024;
  const double first = lab.Start();
  lab.Stop(SIGTERM);
  const double second = lab.Start();
  PrintFact("exec to SERVING, " + std::to_string(num_rows) + " metric rows",
            Fixed(first, 0) + " ms, again " + Fixed(second, 0) + " ms (metrics.db " +
                Fixed(static_cast<double>(bytes) / kBytesPerMiB, 0) + " MiB, daemon " +
                Fixed(lab.MemoryMiB(), 0) + " MiB)");
}

void MeasureAdoption(BenchLab& lab) {
  lab.SetScript("started;wait go;burst 1 1;wait end;outcome 8 0");
  std::vector<std::string> jobs;
  for (int index = 0; index < BenchLab::kNumGpus; ++index) jobs.push_back(lab.Submit());
  for (const std::string& job : jobs) {
    BenchLab::Await("a running job", [&] { return lab.StateOf(job) == v1::JOB_STATE_RUNNING; });
  }
  lab.Stop(SIGKILL);
  for (const std::string& job : jobs) lab.Touch(job, "go");
  const auto start = Clock::now();
  const double serving = lab.Start();
  for (const std::string& job : jobs) {
    BenchLab::Await("an adopted worker's epoch", [&] {
      v1::ListMetricsRequest request;
      request.set_job(job);
      v1::ListMetricsResponse response;
      Check(lab.jobs().ListMetrics(Context().get(), request, &response), "metrics");
      return response.series_size() > 0;
    });
  }
  PrintFact("kill -9, then exec to SERVING with 16 workers", Fixed(serving, 0) + " ms");
  PrintFact("… until all 16 are adopted and read", Fixed(MillisSince(start), 0) + " ms");
  for (const std::string& job : jobs) lab.Touch(job, "end");
}

}  // namespace distill::bench
