#include "client/job_client.h"

#include <utility>

#include "client/connection.h"
#include "client/exit_code.h"

namespace distill::client {
namespace {

using Jobs = v1::JobService::Stub;
using Datasets = v1::DatasetService::Stub;
using Server = v1::ServerService::Stub;
using Users = v1::UserService::Stub;

// What a server that goes away, or a broken network, does to an open stream.
bool IsBrokenStream(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kUnknown ||
         status.code() == Code::kInternal;
}

// How long a stream has been broken without anything coming through.
class Outage {
 public:
  explicit Outage(std::chrono::milliseconds patience) : patience_(patience) {}

  void Heal() {
    was_open_ = true;
    attempt_ = 0;
  }

  /// Returns true when it is worth another attempt. A server that was never reached gets
  /// `max_attempts` only.
  bool GoesOn(int max_attempts) {
    const auto now = std::chrono::steady_clock::now();
    if (attempt_ == 0) since_ = now;
    ++attempt_;
    return was_open_ ? now - since_ < patience_ : attempt_ < max_attempts;
  }

  int attempt() const { return attempt_ - 1; }

 private:
  const std::chrono::milliseconds patience_;
  bool was_open_ = false;
  int attempt_ = 0;
  std::chrono::steady_clock::time_point since_;
};

// Calls `read` until it ends well or for good. `read` calls Heal() with each message.
template <typename ReadOnce>
Status ReadThroughOutages(const JobClient& client, const StreamLimits& limits, ReadOnce read) {
  Outage outage(client.options().stream_patience);
  while (true) {
    Status status = read(outage);
    if (!IsBrokenStream(status) || !outage.GoesOn(client.options().max_attempts)) return status;
    if (limits.on_reconnect) limits.on_reconnect(status);
    DISTILL_RETURN_IF_ERROR(client.WaitToRetry(outage.attempt(), limits));
  }
}

}  // namespace

JobClient::JobClient(JobClientOptions options)
    : options_(std::move(options)), connection_(std::make_unique<Connection>(options_)) {}

JobClient::~JobClient() = default;

Result<v1::Job> JobClient::CreateJob(const v1::CreateJobRequest& request) const {
  return connection_->Call(&Jobs::CreateJob, request);
}

Result<v1::BatchCreateJobsResponse> JobClient::BatchCreateJobs(
    const v1::BatchCreateJobsRequest& request) const {
  return connection_->Call(&Jobs::BatchCreateJobs, request);
}

Result<v1::Job> JobClient::GetJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::GetJob);
}

Result<v1::ListJobsResponse> JobClient::ListJobs(v1::ListJobsRequest request, int max_jobs) const {
  constexpr int kLargestPage = 1000;
  v1::ListJobsResponse all;
  do {
    const int missing = max_jobs - all.jobs_size();
    request.set_page_size(max_jobs == 0 ? kLargestPage : std::min(missing, kLargestPage));
    DISTILL_ASSIGN_OR_RETURN(v1::ListJobsResponse page,
                             connection_->Call(&Jobs::ListJobs, request));
    request.set_page_token(page.next_page_token());
    all.set_next_page_token(page.next_page_token());
    for (v1::Job& job : *page.mutable_jobs()) *all.add_jobs() = std::move(job);
  } while (!request.page_token().empty() && (max_jobs == 0 || all.jobs_size() < max_jobs));
  return all;
}

Result<v1::ExplainJobResponse> JobClient::ExplainJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::ExplainJob);
}

Result<v1::ListQueueResponse> JobClient::ListQueue(int max_entries) const {
  v1::ListQueueRequest request;
  request.set_max_entries(max_entries);
  return connection_->Call(&Jobs::ListQueue, request);
}

Result<v1::Job> JobClient::CancelJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::CancelJob);
}

Result<v1::Job> JobClient::PauseJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::PauseJob);
}

Result<v1::Job> JobClient::ResumeJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::ResumeJob, Repeat::kNever);
}

Result<v1::Job> JobClient::RequeueJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::RequeueJob, Repeat::kNever);
}

Status JobClient::DeleteJob(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::DeleteJob, Repeat::kNever).status();
}

Result<v1::ListJobEventsResponse> JobClient::ListJobEvents(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::ListJobEvents);
}

Result<v1::ListMetricsResponse> JobClient::ListMetrics(
    const v1::ListMetricsRequest& request) const {
  return connection_->Call(&Jobs::ListMetrics, request);
}

Result<v1::ListEvaluationsResponse> JobClient::ListEvaluations(
    const v1::ListEvaluationsRequest& request) const {
  return connection_->Call(&Jobs::ListEvaluations, request);
}

Result<v1::ListArtifactsResponse> JobClient::ListArtifacts(const std::string& job) const {
  return connection_->CallFor(job, &Jobs::ListArtifacts);
}

Result<v1::Dataset> JobClient::CreateDataset(const v1::CreateDatasetRequest& request) const {
  return connection_->Call(&Datasets::CreateDataset, request);
}

Result<v1::Dataset> JobClient::GetDataset(const std::string& name) const {
  v1::GetDatasetRequest request;
  request.set_name(name);
  return connection_->Call(&Datasets::GetDataset, request);
}

Result<v1::ListDatasetsResponse> JobClient::ListDatasets() const {
  return connection_->Call(&Datasets::ListDatasets, v1::ListDatasetsRequest());
}

Status JobClient::DeleteDataset(const std::string& name) const {
  v1::DeleteDatasetRequest request;
  request.set_name(name);
  return connection_->Call(&Datasets::DeleteDataset, request, Repeat::kNever).status();
}

Result<v1::ServerInfo> JobClient::GetServerInfo() const {
  return connection_->Call(&Server::GetServerInfo, v1::GetServerInfoRequest());
}

Result<v1::WhoAmIResponse> JobClient::WhoAmI() const {
  return connection_->Call(&Users::WhoAmI, v1::WhoAmIRequest());
}

Result<v1::ListDevicesResponse> JobClient::ListDevices() const {
  return connection_->Call(&Server::ListDevices, v1::ListDevicesRequest());
}

Status JobClient::WatchJob(const std::string& job, const StreamLimits& limits,
                           const std::function<bool(const v1::Job&)>& on_job) const {
  v1::WatchJobRequest request;
  request.set_job(job);
  return ReadThroughOutages(*this, limits, [&](Outage& outage) -> Status {
    bool has_left = false;
    bool has_ended = false;
    Status status = connection_->Read(&Jobs::WatchJob, request, limits,
                                      [&](const v1::WatchJobResponse& response) {
                                        outage.Heal();
                                        if (!response.has_job()) return true;
                                        has_ended = IsFinal(response.job().state());
                                        has_left = !on_job(response.job());
                                        return !has_left && !has_ended;
                                      });
    if (status.ok() && !has_left && !has_ended) {
      return {Code::kUnavailable, "the server ended the stream before the job ended"};
    }
    return status;
  });
}

Status JobClient::TailLogs(v1::TailLogsRequest request, const StreamLimits& limits,
                           const std::function<void(const std::string& data)>& on_data) const {
  return ReadThroughOutages(*this, limits, [&](Outage& outage) {
    return connection_->Read(&Jobs::TailLogs, request, limits,
                             [&](const v1::TailLogsResponse& response) {
                               outage.Heal();
                               request.set_offset(response.next_offset());
                               request.set_attempt(response.attempt());
                               on_data(response.data());
                               return true;
                             });
  });
}

Status JobClient::DownloadArtifact(
    const v1::DownloadArtifactRequest& request, const StreamLimits& limits,
    const std::function<Status(const v1::DownloadArtifactResponse&)>& on_piece) const {
  Status failure;
  const Status status = connection_->Read(&Jobs::DownloadArtifact, request, limits,
                                          [&](const v1::DownloadArtifactResponse& piece) {
                                            failure = on_piece(piece);
                                            return failure.ok();
                                          });
  return failure.ok() ? status : failure;
}

Status JobClient::WaitToRetry(int attempt, const StreamLimits& limits) const {
  const auto pause = Backoff(options_, attempt);
  if (limits.deadline && std::chrono::steady_clock::now() + pause > *limits.deadline) {
    return {Code::kDeadlineExceeded, "no answer from " + options_.access.server + " in time"};
  }
  if (limits.cancellation == nullptr) {
    std::this_thread::sleep_for(pause);
    return {};
  }
  if (limits.cancellation->WaitFor(pause)) return {Code::kCancelled, "interrupted"};
  return {};
}

}  // namespace distill::client
