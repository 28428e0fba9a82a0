#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "distill/v1/dataset_service.pb.h"
#include "distill/v1/eval.pb.h"
#include "distill/v1/job.pb.h"
#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"

namespace distill::client {

/// What a report tells of one training job.
struct JobReport {
  /// One evaluation in the full view, with its wrong pictures where they were recorded.
  struct Evaluation {
    v1::Evaluation figures;
    std::optional<v1::WrongPredictions> wrong;
  };

  v1::Job job;
  std::vector<v1::MetricSeries> series;
  std::optional<v1::Dataset> dataset;  // nullopt: the server has it no longer
  std::vector<v1::Artifact> artifacts;
  std::vector<v1::JobEvent> events;
  std::vector<Evaluation> evaluations;  // the newest of each split, with and without TTA
};

struct Report {
  std::vector<JobReport> jobs;
  std::string server;  // address
  v1::ServerInfo server_info;
  std::string client_version;
  int64_t made_at_unix_ms = 0;
};

}  // namespace distill::client
