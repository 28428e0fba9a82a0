#include "server/store/metric_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <variant>

#include "server/store/sql_statement.h"

namespace distill::server::metric_rows {
namespace {

constexpr char kImagesPerSecond[] = "train/images_per_second";

// Gives each series name its number. A name that is new gets one.
class SeriesNames {
 public:
  explicit SeriesNames(SQLite::Database& metrics)
      : metrics_(metrics), find_(metrics, "SELECT id FROM series WHERE name = ?") {}

  int64_t Id(const std::string& name) {
    const auto known = ids_.find(name);
    if (known != ids_.end()) return known->second;
    BindAll(find_, name);
    int64_t id = 0;
    if (find_.executeStep()) {
      id = find_.getColumn(0).getInt64();
    } else {
      Execute(metrics_, "INSERT INTO series (name) VALUES (?)", name);
      id = metrics_.getLastInsertRowid();
    }
    ids_[name] = id;
    return id;
  }

 private:
  SQLite::Database& metrics_;
  SQLite::Statement find_;
  std::map<std::string, int64_t> ids_;
};

// Stores one event, told apart by its type. Events that metrics.db does not keep are ignored.
class EventWriter {
 public:
  EventWriter(SQLite::Database& metrics, JobId job, int attempt)
      : metrics_(metrics),
        job_(job),
        attempt_(attempt),
        names_(metrics),
        insert_point_(metrics,
                      "INSERT OR REPLACE INTO metric_point (job, series, epoch, step, attempt,"
                      " value, at_unix_ms, sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        set_latest_(metrics,
                    "INSERT INTO metric_summary (job, series, latest) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT DO UPDATE SET latest = ?3"),
        set_best_(metrics, "UPDATE metric_summary SET best = ?3 WHERE job = ?1 AND series = ?2") {}

  void Write(const RunEvent& event) {
    at_unix_ms_ = event.at_unix_ms;
    std::visit([this](const auto& content) { Apply(content); }, event.event);
  }

 private:
  template <typename Other>
  void Apply(const Other&) {}

  void Apply(const WorkerStarted& started) {
    Execute(metrics_, "DELETE FROM metric_point WHERE job = ? AND epoch > ?", job_,
            started.resumed_from_epoch);
    Execute(metrics_,
            "UPDATE job_progress SET epoch = ?, num_epochs = ?, step = 0, steps_per_epoch = ?,"
            " images_per_second = 0, eta_unix_ms = 0, phase = '' WHERE job = ?",
            started.resumed_from_epoch, started.num_epochs, started.steps_per_epoch, job_);
  }

  void Apply(const StepProgress& step) {
    const JobProgress& progress = step.progress;
    Execute(metrics_,
            "UPDATE job_progress SET epoch = ?, num_epochs = max(num_epochs, ?), step = ?,"
            " steps_per_epoch = ?, images_per_second = ?, eta_unix_ms = ?, phase = ? WHERE job = ?",
            progress.epoch, progress.num_epochs, progress.step, progress.steps_per_epoch,
            progress.images_per_second, progress.eta_unix_ms, progress.phase, job_);
    for (const auto& [name, value] : step.metrics) SetLatest(names_.Id(name), value);
  }

  void Apply(const EpochEnd& end) {
    std::map<std::string, double> values = end.metrics;
    if (end.images_per_second > 0) values.emplace(kImagesPerSecond, end.images_per_second);
    const int64_t sequence = TakeSequence();
    if (end.is_best) Execute(metrics_, "UPDATE metric_summary SET best = NULL WHERE job = ?", job_);
    for (const auto& [name, value] : values) {
      const int64_t series = names_.Id(name);
      BindAll(insert_point_, job_, series, end.epoch, end.step, attempt_, value, at_unix_ms_,
              sequence);
      insert_point_.exec();
      SetLatest(series, value);
      if (!end.is_best) continue;
      BindAll(set_best_, job_, series, value);
      set_best_.exec();
    }
    Execute(metrics_,
            "UPDATE job_progress SET epoch = ?1, step = 0, images_per_second = ?2,"
            " eta_unix_ms = iif(?3 > 0, ?3, eta_unix_ms) WHERE job = ?4",
            end.epoch, end.images_per_second, end.eta_unix_ms, job_);
  }

  // What has ended is not expected to end.
  void Apply(const WorkerOutcome& /*outcome*/) {
    Execute(metrics_, "UPDATE job_progress SET eta_unix_ms = 0 WHERE job = ?", job_);
  }

  void SetLatest(int64_t series, double value) {
    BindAll(set_latest_, job_, series, value);
    set_latest_.exec();
  }

  int64_t TakeSequence() {
    return SelectInt(metrics_,
                     "UPDATE job_progress SET next_sequence = next_sequence + 1 WHERE job = ?"
                     " RETURNING next_sequence - 1",
                     job_)
        .value_or(1);
  }

  SQLite::Database& metrics_;
  const JobId job_;
  const int attempt_;
  SeriesNames names_;
  SQLite::Statement insert_point_;
  SQLite::Statement set_latest_;
  SQLite::Statement set_best_;
  int64_t at_unix_ms_ = 0;
};

struct JournalMark {
  int64_t offset = 0;
  int64_t sequence = 0;
};

JournalMark ReadMark(SQLite::Database& metrics, JobId job, int attempt) {
  SQLite::Statement query(metrics,
                          "SELECT journal_offset, journal_sequence FROM journal_mark"
                          " WHERE job = ? AND attempt = ?");
  BindAll(query, job, attempt);
  if (!query.executeStep()) return {};
  return {query.getColumn(0).getInt64(), query.getColumn(1).getInt64()};
}

void ReadProgress(SQLite::Statement& query, JobRecord& job) {
  BindAll(query, job.id);
  if (!query.executeStep()) return;
  RowReader row(query);
  job.progress.epoch = row.Int();
  job.progress.num_epochs = row.Int();
  job.progress.step = row.Int64();
  job.progress.steps_per_epoch = row.Int64();
  job.progress.images_per_second = row.Double();
  job.progress.eta_unix_ms = row.Int64();
  job.progress.phase = row.Text();
}

}  // namespace

Status Store(SQLite::Database& metrics, JobId job, int attempt, int64_t from_offset,
             const RunEventBatch& batch) {
  const JournalMark mark = ReadMark(metrics, job, attempt);
  if (batch.next_offset <= mark.offset) return Status::Ok();
  if (from_offset > mark.offset) {
    return {Code::kOutOfRange, "events are missing from byte " + std::to_string(mark.offset) +
                                   " of the journal to " + std::to_string(from_offset)};
  }
  Execute(metrics, "INSERT OR IGNORE INTO job_progress (job) VALUES (?)", job);
  EventWriter writer(metrics, job, attempt);
  int64_t sequence = mark.sequence;
  for (const RunEvent& event : batch.events) {
    if (event.sequence <= sequence) continue;
    writer.Write(event);
    sequence = event.sequence;
  }
  Execute(metrics, "INSERT OR REPLACE INTO journal_mark VALUES (?, ?, ?, ?)", job, attempt,
          batch.next_offset, sequence);
  return Status::Ok();
}

int64_t JournalOffset(SQLite::Database& metrics, JobId job, int attempt) {
  return ReadMark(metrics, job, attempt).offset;
}

MetricPage List(SQLite::Database& metrics, JobId job, const std::vector<std::string>& names,
                int64_t cursor) {
  SQLite::Statement query(metrics,
                          "SELECT series.name, epoch, step, value, at_unix_ms, attempt, sequence"
                          " FROM metric_point JOIN series ON series.id = series"
                          " WHERE job = ? AND sequence > ? ORDER BY series.name, step, epoch");
  BindAll(query, job, cursor);
  MetricPage page;
  page.cursor = cursor;
  while (query.executeStep()) {
    RowReader row(query);
    MetricPoint point;
    point.name = row.Text();
    point.epoch = row.Int();
    point.step = row.Int64();
    point.value = row.DoubleOrNan();
    point.at_unix_ms = row.Int64();
    point.attempt = row.Int();
    page.cursor = std::max(page.cursor, row.Int64());
    const bool is_wanted =
        names.empty() || std::find(names.begin(), names.end(), point.name) != names.end();
    if (is_wanted) page.points.push_back(std::move(point));
  }
  return page;
}

void FillFigures(SQLite::Database& metrics, std::vector<JobRecord>& jobs) {
  SQLite::Statement progress(metrics,
                             "SELECT epoch, num_epochs, step, steps_per_epoch, images_per_second,"
                             " eta_unix_ms, phase FROM job_progress WHERE job = ?");
  SQLite::Statement summary(metrics,
                            "SELECT name, latest, best FROM metric_summary"
                            " JOIN series ON series.id = series WHERE job = ?");
  for (JobRecord& job : jobs) {
    job.progress.num_epochs = job.spec.num_epochs;
    ReadProgress(progress, job);
    if (job.progress.num_epochs == 0) job.progress.num_epochs = job.spec.num_epochs;
    BindAll(summary, job.id);
    while (summary.executeStep()) {
      RowReader row(summary);
      const std::string name = row.Text();
      job.latest_metrics[name] = row.DoubleOrNan();
      const double best = row.DoubleOrNan();
      if (!std::isnan(best)) job.best_metrics[name] = best;
    }
  }
}

std::optional<MemoryPeak> FindMemoryPeak(SQLite::Database& metrics,
                                         const std::vector<JobId>& jobs) {
  SQLite::Statement peak(metrics,
                         "SELECT latest FROM metric_summary JOIN series ON series.id = series"
                         " WHERE job = ? AND name = 'device/peak_memory_bytes' AND latest > 0");
  for (const JobId job : jobs) {
    BindAll(peak, job);
    if (peak.executeStep()) return MemoryPeak{job, peak.getColumn(0).getInt64()};
  }
  return std::nullopt;
}

std::vector<JobId> ListJobs(SQLite::Database& metrics) {
  SQLite::Statement query(metrics, "SELECT job FROM job_progress");
  std::vector<JobId> jobs;
  while (query.executeStep()) jobs.push_back(query.getColumn(0).getInt64());
  return jobs;
}

void Delete(SQLite::Database& metrics, JobId job) {
  Execute(metrics, "DELETE FROM metric_point WHERE job = ?", job);
  Execute(metrics, "DELETE FROM metric_summary WHERE job = ?", job);
  Execute(metrics, "DELETE FROM journal_mark WHERE job = ?", job);
  Execute(metrics, "DELETE FROM job_progress WHERE job = ?", job);
}

}  // namespace distill::server::metric_rows
