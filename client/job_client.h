#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cancellation.h"
#include "client/server_access.h"
#include "core/base/status.h"
#include "distill/v1/dataset_service.pb.h"
#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"
#include "distill/v1/user_service.pb.h"

namespace distill::client {

struct JobClientOptions {
  ServerAccess access;
  std::string user;                                // travels as metadata "distill-user"
  std::chrono::milliseconds call_timeout{10'000};  // of a unary call, its retries included
  std::chrono::milliseconds first_backoff{100};    // doubles at each retry, up to 2 s, +-20 %
  int max_attempts = 5;  // of a call that the server could not be reached for
  std::chrono::milliseconds stream_patience{
      120'000};  // a stream that was open is re-opened this long
};

/// How a stream ends before the server ends it.
struct StreamLimits {
  Cancellation* cancellation = nullptr;  // may be null; must outlive the call
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Called before each attempt to re-connect, with what broke the stream. May be empty.
  std::function<void(const Status&)> on_reconnect;
};

/// Calls distilld. Every call blocks. Unary calls have a deadline; those that are safe to repeat
/// (reads, creations with their request id, cancel, pause) are repeated when the server cannot be
/// reached.
///
/// Errors are the server's own, with its field violations in the message; kUnavailable: the server
/// cannot be reached; kDeadlineExceeded: no answer in time.
/// Thread-safe.
class JobClient {
 public:
  explicit JobClient(JobClientOptions options);
  ~JobClient();
  JobClient(const JobClient&) = delete;
  JobClient& operator=(const JobClient&) = delete;

  const JobClientOptions& options() const { return options_; }

  Result<v1::Job> CreateJob(const v1::CreateJobRequest& request) const;
  Result<v1::BatchCreateJobsResponse> BatchCreateJobs(
      const v1::BatchCreateJobsRequest& request) const;
  Result<v1::Job> GetJob(const std::string& job) const;
  /// Returns the newest `max_jobs` that match `request` (0 = all), page by page.
  Result<v1::ListJobsResponse> ListJobs(v1::ListJobsRequest request, int max_jobs) const;
  Result<v1::ExplainJobResponse> ExplainJob(const std::string& job) const;
  /// `max_entries`: 0 = the server's default.
  Result<v1::ListQueueResponse> ListQueue(int max_entries) const;
  Result<v1::Job> CancelJob(const std::string& job) const;
  Result<v1::Job> PauseJob(const std::string& job) const;
  Result<v1::Job> ResumeJob(const std::string& job) const;
  Result<v1::Job> RequeueJob(const std::string& job) const;
  Status DeleteJob(const std::string& job) const;
  Result<v1::ListJobEventsResponse> ListJobEvents(const std::string& job) const;
  Result<v1::ListMetricsResponse> ListMetrics(const v1::ListMetricsRequest& request) const;
  Result<v1::ListEvaluationsResponse> ListEvaluations(
      const v1::ListEvaluationsRequest& request) const;
  Result<v1::ListArtifactsResponse> ListArtifacts(const std::string& job) const;

  Result<v1::Dataset> CreateDataset(const v1::CreateDatasetRequest& request) const;
  Result<v1::Dataset> GetDataset(const std::string& name) const;
  Result<v1::ListDatasetsResponse> ListDatasets() const;
  Status DeleteDataset(const std::string& name) const;

  Result<v1::ServerInfo> GetServerInfo() const;
  Result<v1::ListDevicesResponse> ListDevices() const;

  Result<v1::WhoAmIResponse> WhoAmI() const;

  /// Calls `on_job` with the job now and at each change, until it has ended or `on_job` returns
  /// false; re-connects when the stream breaks.
  /// kCancelled, kDeadlineExceeded: as `limits` says.
  Status WatchJob(const std::string& job, const StreamLimits& limits,
                  const std::function<bool(const v1::Job&)>& on_job) const;

  /// Calls `on_data` with the log from `request.offset` on; re-connects where it was.
  Status TailLogs(v1::TailLogsRequest request, const StreamLimits& limits,
                  const std::function<void(const std::string& data)>& on_data) const;

  /// Calls `on_piece` with each message of an artifact from `request.offset` on, until its end or
  /// until `on_piece` fails. Does not re-connect: the caller knows what it has.
  Status DownloadArtifact(
      const v1::DownloadArtifactRequest& request, const StreamLimits& limits,
      const std::function<Status(const v1::DownloadArtifactResponse&)>& on_piece) const;

  /// Waits before the repetition number `attempt` (from 0), with jitter.
  /// Returns kCancelled when `limits` says so meanwhile, kDeadlineExceeded when there is no time
  /// left.
  Status WaitToRetry(int attempt, const StreamLimits& limits) const;

 private:
  class Connection;  // client/connection.h
  const JobClientOptions options_;
  const std::unique_ptr<Connection> connection_;
};

}  // namespace distill::client
