#include "server/rpc/job_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/fault_point.h"
#include "server/rpc/caller.h"
#include "server/rpc/job_messages.h"
#include "server/rpc/page_token.h"
#include "server/rpc/rpc_guard.h"
#include "server/spec/job_reference.h"

namespace distill::server {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr int kMaxListedJobs = 1000;

grpc::Status ToGrpc(const Status& status, const SubmissionOutcome& outcome) {
  if (!status.ok()) return server::ToGrpc(status, outcome.reason);
  if (!outcome.violations.empty()) return server::ToGrpc(outcome.violations);
  return grpc::Status::OK;
}

template <typename Body>
grpc::Status Answer(Body&& body) {
  return server::ToGrpc(CallGuarded(std::forward<Body>(body)));
}

}  // namespace

Status JobServiceImpl::FillJob(const JobRecord& record, v1::Job& response) const {
  response = ToMessage(record);
  DISTILL_ASSIGN_OR_RETURN(const std::vector<AttemptRecord> attempts,
                           dependencies_.store.ListAttempts(record.id));
  for (const AttemptRecord& attempt : attempts) *response.add_attempts() = ToMessage(attempt);
  return {};
}

grpc::Status JobServiceImpl::CreateJob(grpc::ServerContext* context,
                                       const v1::CreateJobRequest* request, v1::Job* response) {
  SubmissionOutcome outcome;
  const Status status = CallGuarded([&]() -> Status {
    const Submission submission{{request->job()},
                                CallerOf(*context),
                                request->request_id(),
                                request->validate_only(),
                                /*is_batch=*/false};
    FaultPoint("rpc.before_submit");
    DISTILL_RETURN_IF_ERROR(submitter_.Submit(submission, outcome));
    FaultPoint("rpc.before_reply");
    if (!outcome.jobs.empty()) *response = ToMessage(outcome.jobs.front());
    return {};
  });
  return ToGrpc(status, outcome);
}

grpc::Status JobServiceImpl::BatchCreateJobs(grpc::ServerContext* context,
                                             const v1::BatchCreateJobsRequest* request,
                                             v1::BatchCreateJobsResponse* response) {
  SubmissionOutcome outcome;
  const Status status = CallGuarded([&]() -> Status {
    const Submission submission{{request->jobs().begin(), request->jobs().end()},
                                CallerOf(*context),
                                request->request_id(),
                                request->validate_only(),
                                /*is_batch=*/true};
    FaultPoint("rpc.before_submit");
    DISTILL_RETURN_IF_ERROR(submitter_.Submit(submission, outcome));
    FaultPoint("rpc.before_reply");
    for (const JobRecord& job : outcome.jobs) *response->add_jobs() = ToMessage(job);
    return {};
  });
  return ToGrpc(status, outcome);
}

grpc::Status JobServiceImpl::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                    v1::Job* response) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(
        const JobRecord record,
        FindJobRecord(dependencies_.store, request->job(), CallerOf(*context)));
    return FillJob(record, *response);
  });
}

Result<JobListQuery> JobServiceImpl::ToQuery(const v1::ListJobsRequest& request) const {
  if (request.page_size() < 0) {
    return Status(Code::kInvalidArgument,
                  "page_size must not be negative: " + std::to_string(request.page_size()));
  }
  JobListQuery query;
  query.page_size =
      std::min(request.page_size() == 0 ? kDefaultPageSize : request.page_size(), kMaxPageSize);
  query.owner = request.owner();
  query.name_prefix = request.name_prefix();
  for (const int state : request.states()) {
    if (state == 0 || !v1::JobState_IsValid(state)) {
      return Status(Code::kInvalidArgument, "no such state: " + std::to_string(state));
    }
    query.states.push_back(static_cast<JobState>(state));
  }
  if (!request.page_token().empty()) {
    DISTILL_ASSIGN_OR_RETURN(query.before_id, ReadPageToken(query, request.page_token()));
  }
  return query;
}

grpc::Status JobServiceImpl::ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                                      v1::ListJobsResponse* response) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(JobListQuery query, ToQuery(*request));
    const auto page_size = static_cast<size_t>(query.page_size);
    ++query.page_size;  // one more tells whether there is a next page
    DISTILL_ASSIGN_OR_RETURN(std::vector<JobRecord> jobs, dependencies_.store.ListJobs(query));
    if (jobs.size() > page_size) {
      jobs.resize(page_size);
      response->set_next_page_token(MakePageToken(query, jobs.back().id));
    }
    for (const JobRecord& job : jobs) *response->add_jobs() = ToMessage(job);
    return {};
  });
}

grpc::Status JobServiceImpl::CancelJob(grpc::ServerContext* context,
                                       const v1::CancelJobRequest* request, v1::Job* response) {
  return Answer([&]() -> Status {
    const std::string caller = CallerOf(*context);
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), caller));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.manager.Cancel(id, "user " + caller));
    return FillJob(job, *response);
  });
}

grpc::Status JobServiceImpl::PauseJob(grpc::ServerContext* context,
                                      const v1::PauseJobRequest* request, v1::Job* response) {
  return Answer([&]() -> Status {
    const std::string caller = CallerOf(*context);
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), caller));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.manager.Pause(id, "user " + caller));
    return FillJob(job, *response);
  });
}

grpc::Status JobServiceImpl::ResumeJob(grpc::ServerContext* context,
                                       const v1::ResumeJobRequest* request, v1::Job* response) {
  return Answer([&]() -> Status {
    const std::string caller = CallerOf(*context);
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), caller));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.manager.Resume(id, "user " + caller));
    return FillJob(job, *response);
  });
}

grpc::Status JobServiceImpl::RequeueJob(grpc::ServerContext* context,
                                        const v1::RequeueJobRequest* request, v1::Job* response) {
  return Answer([&]() -> Status {
    const std::string caller = CallerOf(*context);
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), caller));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.manager.Requeue(id, "user " + caller));
    return FillJob(job, *response);
  });
}

grpc::Status JobServiceImpl::DeleteJob(grpc::ServerContext* context,
                                       const v1::DeleteJobRequest* request,
                                       v1::DeleteJobResponse*) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), CallerOf(*context)));
    return dependencies_.manager.Delete(id);
  });
}

grpc::Status JobServiceImpl::ListJobEvents(grpc::ServerContext* context,
                                           const v1::ListJobEventsRequest* request,
                                           v1::ListJobEventsResponse* response) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), CallerOf(*context)));
    DISTILL_ASSIGN_OR_RETURN(const std::vector<JobEventRecord> events,
                             dependencies_.store.ListEvents(id, request->after_id()));
    for (const JobEventRecord& event : events) *response->add_events() = ToMessage(event);
    return {};
  });
}

grpc::Status JobServiceImpl::ListMetrics(grpc::ServerContext* context,
                                         const v1::ListMetricsRequest* request,
                                         v1::ListMetricsResponse* response) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), CallerOf(*context)));
    const std::vector<std::string> names(request->names().begin(), request->names().end());
    DISTILL_ASSIGN_OR_RETURN(const MetricPage page,
                             dependencies_.store.ListMetrics(id, names, request->after_cursor()));
    *response = ToMessage(page);
    return {};
  });
}

grpc::Status JobServiceImpl::ListEvaluations(grpc::ServerContext* context,
                                             const v1::ListEvaluationsRequest* request,
                                             v1::ListEvaluationsResponse* response) {
  return Answer([&]() -> Status {
    if (request->jobs_size() > kMaxListedJobs) {
      return {Code::kInvalidArgument, "jobs must be at most " + std::to_string(kMaxListedJobs) +
                                          ": " + std::to_string(request->jobs_size())};
    }
    std::vector<JobId> jobs;
    for (const std::string& reference : request->jobs()) {
      DISTILL_ASSIGN_OR_RETURN(const JobId id,
                               FindJobId(dependencies_.store, reference, CallerOf(*context)));
      jobs.push_back(id);
    }
    DISTILL_ASSIGN_OR_RETURN(const std::vector<EvaluationRecord> evaluations,
                             dependencies_.store.ListEvaluations(jobs));
    for (const EvaluationRecord& evaluation : evaluations) {
      *response->add_evaluations() = ToMessage(evaluation, request->full());
    }
    return {};
  });
}

grpc::Status JobServiceImpl::ListArtifacts(grpc::ServerContext* context,
                                           const v1::ListArtifactsRequest* request,
                                           v1::ListArtifactsResponse* response) {
  return Answer([&]() -> Status {
    DISTILL_ASSIGN_OR_RETURN(const JobId id,
                             FindJobId(dependencies_.store, request->job(), CallerOf(*context)));
    DISTILL_ASSIGN_OR_RETURN(const std::vector<ArtifactRecord> artifacts,
                             dependencies_.store.ListArtifacts(id));
    for (const ArtifactRecord& artifact : artifacts) {
      *response->add_artifacts() = ToMessage(artifact);
    }
    return {};
  });
}

JobStreamInputs JobServiceImpl::StreamInputs() const {
  return {dependencies_.store, dependencies_.preparer, dependencies_.clock};
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobServiceImpl::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  using Stream = PumpedStream<v1::WatchJobResponse>;
  return Stream::Start(dependencies_.stream_environment, *context,
                       [inputs = StreamInputs(), reference = request->job(),
                        caller = CallerOf(*context)](JobId& watched) -> Result<Stream::Source> {
                         DISTILL_ASSIGN_OR_RETURN(watched,
                                                  FindJobId(inputs.store, reference, caller));
                         return MakeWatchSource(inputs, watched);
                       });
}

grpc::ServerWriteReactor<v1::TailLogsResponse>* JobServiceImpl::TailLogs(
    grpc::CallbackServerContext* context, const v1::TailLogsRequest* request) {
  using Stream = PumpedStream<v1::TailLogsResponse>;
  return Stream::Start(dependencies_.stream_environment, *context,
                       [inputs = StreamInputs(), request = *request,
                        caller = CallerOf(*context)](JobId& watched) -> Result<Stream::Source> {
                         DISTILL_ASSIGN_OR_RETURN(watched,
                                                  FindJobId(inputs.store, request.job(), caller));
                         return MakeLogSource(inputs, watched, request);
                       });
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* JobServiceImpl::DownloadArtifact(
    grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  using Stream = PumpedStream<v1::DownloadArtifactResponse>;
  return Stream::Start(dependencies_.stream_environment, *context,
                       [inputs = StreamInputs(), request = *request,
                        caller = CallerOf(*context)](JobId&) -> Result<Stream::Source> {
                         DISTILL_ASSIGN_OR_RETURN(const JobId job,
                                                  FindJobId(inputs.store, request.job(), caller));
                         return MakeArtifactSource(inputs, job, request);
                       });
}

}  // namespace distill::server
