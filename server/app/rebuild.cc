#include "server/app/rebuild.h"

#include <string>
#include <vector>

#include "core/base/journal.h"
#include "server/store/sqlite_job_store.h"
#include "server/worker/journal_messages.h"

namespace distill::server {
namespace {

// Events that this version does not know are left out.
RunEventBatch BatchOf(const JournalChunk& chunk) {
  RunEventBatch batch;
  batch.next_offset = chunk.next_offset;
  for (const std::string& payload : chunk.payloads) {
    auto event = ParseRunEvent(payload);
    if (event.ok()) batch.events.push_back(std::move(event).value());
  }
  return batch;
}

Status ReadOne(JobStore& store, const AttemptRecord& attempt, const std::filesystem::path& journal,
               JournalReport& report) {
  DISTILL_ASSIGN_OR_RETURN(int64_t offset, store.JournalOffset(attempt.job, attempt.number));
  ++report.num_journals;
  while (true) {
    const auto chunk = ReadJournal(journal, offset);
    const Code code = chunk.status().code();
    if (code == Code::kNotFound || code == Code::kOutOfRange) return Status::Ok();
    if (!chunk.ok()) return chunk.status();
    if (chunk->payloads.empty()) {
      if (chunk->has_incomplete_tail) ++report.num_damaged;
      return Status::Ok();
    }
    const RunEventBatch batch = BatchOf(*chunk);
    DISTILL_RETURN_IF_ERROR(store.StoreRunEvents(attempt.job, attempt.number, offset, batch));
    report.num_events += static_cast<int64_t>(batch.events.size());
    offset = chunk->next_offset;
  }
}

}  // namespace

Result<JournalReport> ReadJournalsAgain(const std::filesystem::path& state_directory,
                                        const Clock& clock) {
  SqliteJobStoreOptions options;
  options.state_directory = state_directory;
  DISTILL_ASSIGN_OR_RETURN(const auto store, OpenSqliteJobStore(options, clock));
  JournalReport report;
  JobListQuery query;
  while (true) {
    DISTILL_ASSIGN_OR_RETURN(const std::vector<JobRecord> jobs, store->ListJobs(query));
    if (jobs.empty()) return report;
    query.before_id = jobs.back().id;
    for (const JobRecord& job : jobs) {
      DISTILL_ASSIGN_OR_RETURN(const auto attempts, store->ListAttempts(job.id));
      for (const AttemptRecord& attempt : attempts) {
        const auto journal = state_directory / "runs" / std::to_string(job.id) /
                             std::to_string(attempt.number) / "journal";
        DISTILL_RETURN_IF_ERROR(ReadOne(*store, attempt, journal, report));
      }
    }
  }
}

}  // namespace distill::server
