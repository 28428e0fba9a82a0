#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "distill/v1/dataset_service.grpc.pb.h"
#include "distill/v1/job_service.grpc.pb.h"
#include "distill/v1/server_service.grpc.pb.h"

namespace distill::client::testing {

/// A JobService that answers from what a test put into it and keeps what it was asked.
/// Fill it before the calls; not thread-safe otherwise.
class FakeJobService final : public v1::JobService::Service {
 public:
  // What it answers.
  std::map<std::string, v1::Job> jobs;  // by name and by id
  std::vector<v1::Job> job_list;        // newest first; pages of two
  std::vector<v1::Evaluation> evaluations;
  std::vector<v1::Artifact> artifacts;
  std::vector<v1::JobEvent> events;
  v1::ListMetricsResponse metrics;
  v1::ExplainJobResponse explanation;
  v1::ListQueueResponse queue;
  std::optional<v1::MemoryPeak> last_memory_peak;
  /// Statuses of the next calls of CreateJob, before it works.
  std::vector<grpc::Status> create_failures;
  /// What each watch stream sends, one list for each connection, and how the stream ends.
  std::vector<std::vector<v1::Job>> watch_streams;
  std::vector<grpc::Status> watch_ends;
  std::string log;
  /// The artifact's content, how many bytes each connection sends before it breaks (none: all), and
  /// a change of the bytes on their way.
  std::string content;
  std::map<std::string, std::string> files;  // of artifacts by name, before `content`
  std::vector<size_t> break_after;
  std::function<void(v1::DownloadArtifactResponse&)> tamper;
  size_t log_break_after = 0;

  // What it was asked.
  std::vector<v1::CreateJobRequest> created;
  std::vector<v1::BatchCreateJobsRequest> batches;
  std::vector<v1::ListJobsRequest> lists;
  std::vector<std::string> cancelled;
  std::vector<int64_t> download_offsets;
  std::vector<int64_t> log_offsets;
  std::string user;

  grpc::Status CreateJob(grpc::ServerContext* context, const v1::CreateJobRequest* request,
                         v1::Job* response) override {
    const auto name = context->client_metadata().find("distill-user");
    if (name != context->client_metadata().end()) {
      user.assign(name->second.data(), name->second.size());
    }
    created.push_back(*request);
    if (!create_failures.empty()) {
      const grpc::Status status = create_failures.front();
      create_failures.erase(create_failures.begin());
      return status;
    }
    *response = request->job();
    response->set_id("7");
    if (response->name().empty()) response->set_name("made-up");
    response->set_state(v1::JOB_STATE_QUEUED);
    if (last_memory_peak) *response->mutable_last_memory_peak() = *last_memory_peak;
    return grpc::Status::OK;
  }

  grpc::Status BatchCreateJobs(grpc::ServerContext*, const v1::BatchCreateJobsRequest* request,
                               v1::BatchCreateJobsResponse* response) override {
    batches.push_back(*request);
    for (const v1::Job& job : request->jobs()) {
      *response->add_jobs() = job;
      response->mutable_jobs(response->jobs_size() - 1)
          ->set_id(std::to_string(response->jobs_size()));
    }
    return grpc::Status::OK;
  }

  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                      v1::Job* response) override {
    const auto found = jobs.find(request->job());
    if (found == jobs.end()) return {grpc::StatusCode::NOT_FOUND, "no job: " + request->job()};
    *response = found->second;
    return grpc::Status::OK;
  }

  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override {
    constexpr size_t kLargestPage = 2;
    lists.push_back(*request);
    const size_t begin = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    const size_t wanted = std::min(static_cast<size_t>(request->page_size()), kLargestPage);
    const size_t end = std::min(begin + wanted, job_list.size());
    for (size_t index = begin; index < end; ++index) *response->add_jobs() = job_list[index];
    if (end < job_list.size()) response->set_next_page_token(std::to_string(end));
    return grpc::Status::OK;
  }

  grpc::Status ExplainJob(grpc::ServerContext*, const v1::ExplainJobRequest*,
                          v1::ExplainJobResponse* response) override {
    *response = explanation;
    return grpc::Status::OK;
  }

  grpc::Status ListQueue(grpc::ServerContext*, const v1::ListQueueRequest*,
                         v1::ListQueueResponse* response) override {
    *response = queue;
    return grpc::Status::OK;
  }

  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                         v1::Job* response) override {
    cancelled.push_back(request->job());
    const auto found = jobs.find(request->job());
    if (found == jobs.end()) return {grpc::StatusCode::NOT_FOUND, "no job: " + request->job()};
    if (found->second.state() == v1::JOB_STATE_SUCCEEDED) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "the job has ended: " + request->job()};
    }
    *response = found->second;
    response->set_state(v1::JOB_STATE_CANCELLING);
    return grpc::Status::OK;
  }

  grpc::Status PauseJob(grpc::ServerContext*, const v1::PauseJobRequest* request,
                        v1::Job* response) override {
    const auto found = jobs.find(request->job());
    if (found == jobs.end()) return {grpc::StatusCode::NOT_FOUND, "no job: " + request->job()};
    *response = found->second;
    response->set_state(v1::JOB_STATE_PAUSING);
    return grpc::Status::OK;
  }

  grpc::Status ResumeJob(grpc::ServerContext*, const v1::ResumeJobRequest* request,
                         v1::Job* response) override {
    const auto found = jobs.find(request->job());
    if (found == jobs.end()) return {grpc::StatusCode::NOT_FOUND, "no job: " + request->job()};
    if (found->second.state() != v1::JOB_STATE_PAUSED) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "only a PAUSED job is resumed"};
    }
    *response = found->second;
    response->set_state(v1::JOB_STATE_QUEUED);
    return grpc::Status::OK;
  }

  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest*,
                        grpc::ServerWriter<v1::WatchJobResponse>* writer) override {
    std::vector<v1::Job> stream;
    grpc::Status end;
    bool stays_open = false;
    {
      const std::lock_guard lock(mutex_);
      stays_open = watch_streams.empty();
      if (!watch_streams.empty()) {
        stream = watch_streams.front();
        watch_streams.erase(watch_streams.begin());
      }
      if (!watch_ends.empty()) {
        end = watch_ends.front();
        watch_ends.erase(watch_ends.begin());
      }
    }
    for (const v1::Job& job : stream) {
      v1::WatchJobResponse response;
      *response.mutable_job() = job;
      writer->Write(response);
    }
    // Without a script, it goes on until the client leaves.
    v1::WatchJobResponse heartbeat;
    heartbeat.set_heartbeat(true);
    while (stays_open && !context->IsCancelled()) writer->Write(heartbeat);
    return end;
  }

  grpc::Status TailLogs(grpc::ServerContext*, const v1::TailLogsRequest* request,
                        grpc::ServerWriter<v1::TailLogsResponse>* writer) override {
    log_offsets.push_back(request->offset());
    const auto offset = static_cast<size_t>(request->offset());
    const bool breaks = log_break_after > 0;
    const std::string data = log.substr(offset, breaks ? log_break_after : std::string::npos);
    log_break_after = 0;
    v1::TailLogsResponse response;
    response.set_data(data);
    response.set_next_offset(static_cast<int64_t>(offset + data.size()));
    response.set_attempt(1);
    writer->Write(response);
    return breaks ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down") : grpc::Status::OK;
  }

  grpc::Status ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest*,
                           v1::ListMetricsResponse* response) override {
    *response = metrics;
    return grpc::Status::OK;
  }

  grpc::Status ListEvaluations(grpc::ServerContext*, const v1::ListEvaluationsRequest*,
                               v1::ListEvaluationsResponse* response) override {
    for (const v1::Evaluation& evaluation : evaluations) *response->add_evaluations() = evaluation;
    return grpc::Status::OK;
  }

  grpc::Status ListJobEvents(grpc::ServerContext*, const v1::ListJobEventsRequest* request,
                             v1::ListJobEventsResponse* response) override {
    for (const v1::JobEvent& event : events) {
      if (event.job() == request->job()) *response->add_events() = event;
    }
    return grpc::Status::OK;
  }

  grpc::Status ListArtifacts(grpc::ServerContext*, const v1::ListArtifactsRequest*,
                             v1::ListArtifactsResponse* response) override {
    for (const v1::Artifact& artifact : artifacts) *response->add_artifacts() = artifact;
    return grpc::Status::OK;
  }

  grpc::Status DownloadArtifact(grpc::ServerContext* context,
                                const v1::DownloadArtifactRequest* request,
                                grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) override;

 private:
  std::mutex mutex_;
};

/// As FakeJobService, for data sets: each is READY at the third look.
class FakeDatasetService final : public v1::DatasetService::Service {
 public:
  std::vector<v1::CreateDatasetRequest> created;
  v1::Dataset dataset;
  int looks = 0;

  grpc::Status CreateDataset(grpc::ServerContext*, const v1::CreateDatasetRequest* request,
                             v1::Dataset* response) override {
    created.push_back(*request);
    dataset.MergeFrom(request->dataset());
    *response = dataset;
    response->set_state(v1::DATASET_STATE_SCANNING);
    return grpc::Status::OK;
  }

  grpc::Status GetDataset(grpc::ServerContext*, const v1::GetDatasetRequest*,
                          v1::Dataset* response) override {
    *response = dataset;
    if (++looks < 3) response->set_state(v1::DATASET_STATE_SCANNING);
    return grpc::Status::OK;
  }
};

class FakeServerService final : public v1::ServerService::Service {
 public:
  v1::ListDevicesResponse devices;

  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo* response) override {
    response->set_version("1.2.3");
    return grpc::Status::OK;
  }

  grpc::Status ListDevices(grpc::ServerContext*, const v1::ListDevicesRequest*,
                           v1::ListDevicesResponse* response) override {
    *response = devices;
    return grpc::Status::OK;
  }
};

/// A gRPC server with the fakes on a free port of the loopback.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  FakeJobService jobs;
  FakeDatasetService datasets;
  FakeServerService server;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> grpc_server_;
};

}  // namespace distill::client::testing
