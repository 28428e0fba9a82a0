#pragma once

#include <set>
#include <string>

#include "distill/v1/job_service.pb.h"
#include "server/rpc/call_access.h"
#include "server/rpc/job_streams.h"
#include "server/rpc/job_submission.h"
#include "server/rpc/service_dependencies.h"

namespace distill::server {

class MethodTable;

/// distill.v1.JobService: translates, calls, translates. Unary calls block on gRPC's own threads;
/// streams never do. Thread-safe.
class JobServiceImpl final {
 public:
  explicit JobServiceImpl(const ServiceDependencies& dependencies)
      : dependencies_(dependencies),
        submitter_(dependencies.backend.store, dependencies.backend.manager,
                   dependencies.backend.files, dependencies.submit_rate) {}

  /// Adds all methods to `table`. This object must outlive the server.
  void AddTo(MethodTable& table);

  grpc::Status CreateJob(grpc::ServerContext* context, const v1::CreateJobRequest* request,
                         v1::Job* response);
  grpc::Status BatchCreateJobs(grpc::ServerContext* context,
                               const v1::BatchCreateJobsRequest* request,
                               v1::BatchCreateJobsResponse* response);
  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::Job* response);
  grpc::Status ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response);
  grpc::Status ExplainJob(grpc::ServerContext* context, const v1::ExplainJobRequest* request,
                          v1::ExplainJobResponse* response);
  grpc::Status ListQueue(grpc::ServerContext* context, const v1::ListQueueRequest* request,
                         v1::ListQueueResponse* response);
  grpc::Status CancelJob(grpc::ServerContext* context, const v1::CancelJobRequest* request,
                         v1::Job* response);
  grpc::Status PauseJob(grpc::ServerContext* context, const v1::PauseJobRequest* request,
                        v1::Job* response);
  grpc::Status ResumeJob(grpc::ServerContext* context, const v1::ResumeJobRequest* request,
                         v1::Job* response);
  grpc::Status RequeueJob(grpc::ServerContext* context, const v1::RequeueJobRequest* request,
                          v1::Job* response);
  grpc::Status DeleteJob(grpc::ServerContext* context, const v1::DeleteJobRequest* request,
                         v1::DeleteJobResponse* response);
  grpc::Status ListJobEvents(grpc::ServerContext* context, const v1::ListJobEventsRequest* request,
                             v1::ListJobEventsResponse* response);
  grpc::Status ListMetrics(grpc::ServerContext* context, const v1::ListMetricsRequest* request,
                           v1::ListMetricsResponse* response);
  grpc::Status ListEvaluations(grpc::ServerContext* context,
                               const v1::ListEvaluationsRequest* request,
                               v1::ListEvaluationsResponse* response);
  grpc::Status ListArtifacts(grpc::ServerContext* context, const v1::ListArtifactsRequest* request,
                             v1::ListArtifactsResponse* response);

  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext* context,
                                                           const v1::WatchJobRequest* request);
  grpc::ServerWriteReactor<v1::TailLogsResponse>* TailLogs(grpc::CallbackServerContext* context,
                                                           const v1::TailLogsRequest* request);
  grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadArtifact(
      grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request);

 private:
  // The three shapes that calls have. Each goes through the CallAccess, under the name `method`.
  // `fill(response, job)` is called for each job made.
  template <typename Response, typename Fill>
  grpc::Status Submit(grpc::ServerContext& context, const char* method, Submission submission,
                      Response& response, Fill fill);
  // `body(id, call)` returns a Status.
  template <typename Body>
  grpc::Status OnJob(grpc::ServerContext& context, const char* method, const std::string& reference,
                     Body body);
  // `make_source(inputs, id, veil)` returns a Result of the source.
  template <typename Message, typename MakeSource>
  grpc::ServerWriteReactor<Message>* StartStream(grpc::CallbackServerContext& context,
                                                 const char* method, const std::string& reference,
                                                 MakeSource make_source);

  JobStreamInputs StreamInputs() const;
  Result<JobListQuery> ToQuery(const v1::ListJobsRequest& request, const AdmittedCall& call) const;
  void FillMemoryPeak(const JobRecord& record, JobVeil& veil, v1::Job& response) const;
  Status NoteIfAlready(const std::set<JobState>& states, JobId id, AdmittedCall& call) const;
  Status FillJob(const AdmittedCall& call, const JobRecord& record, v1::Job& response) const;

  const ServiceDependencies dependencies_;
  const JobSubmitter submitter_;
  mutable VerifiedFiles verified_;
};

}  // namespace distill::server
