#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "server/job/job.h"

namespace distill::server {

/// What a worker tells through its run journal, in the daemon's own terms (the wire form is
/// distill.worker.v1.RunEvent).
struct WorkerStarted {
  int resumed_from_epoch = 0;
  int num_epochs = 0;
  int64_t steps_per_epoch = 0;
};

struct StepProgress {
  JobProgress progress;
  std::map<std::string, double> metrics;
};

struct EpochEnd {
  int epoch = 0;     // epochs done, from 1
  int64_t step = 0;  // steps done since the start of the run
  std::map<std::string, double> metrics;
  bool is_best = false;
  double images_per_second = 0;
  int64_t eta_unix_ms = 0;  // 0 = unknown
};

struct ArtifactRecord {
  std::string name;  // relative to the run directory
  int attempt = 0;
  int64_t size_bytes = 0;
  std::string sha256;
  std::string kind;  // "checkpoint", "model", "report"
  int64_t created_at_unix_ms = 0;
};

struct EvaluationRecord {
  int64_t id = 0;
  JobId eval_job = 0;
  JobId model_job = 0;  // 0: a file
  int split = 0;        // distill.v1.Split
  bool tta = false;
  int64_t finished_at_unix_ms = 0;
  /// distill.v1.Evaluation, serialised, with classes and confusion. Opaque here.
  std::string payload;
};

struct WorkerNotice {
  std::string message;
  EventLevel level = EventLevel::kInformation;
};

struct ScanProgress {
  int64_t files_scanned = 0;
  int64_t files_total = 0;
};

/// distill.worker.v1.ScanReport, serialised. Opaque here.
struct ScanFinished {
  std::string payload;
};

struct WorkerOutcome {
  JobState state = JobState::kFailed;  // kSucceeded, kFailed or kCancelled
  Cause cause = Cause::kNone;
  Sentence message;
};

struct RunEvent {
  int64_t sequence = 0;
  int64_t at_unix_ms = 0;
  std::variant<std::monostate, WorkerStarted, StepProgress, EpochEnd, ArtifactRecord,
               EvaluationRecord, ScanProgress, ScanFinished, WorkerNotice, WorkerOutcome>
      event;
};

/// A stretch of a journal, and where it ends: the next read starts at `next_offset`.
struct RunEventBatch {
  std::vector<RunEvent> events;
  int64_t next_offset = 0;
};

}  // namespace distill::server
