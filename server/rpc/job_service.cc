#include "server/rpc/job_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/fault_point.h"
#include "core/base/log.h"
#include "server/rpc/job_messages.h"
#include "server/rpc/job_veil.h"
#include "server/rpc/method_table.h"
#include "server/rpc/page_token.h"
#include "server/rpc/pumped_stream.h"
#include "server/rpc/rpc_guard.h"

namespace distill::server {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr int kMaxListedJobs = 1000;

// Says which job or jobs a submit made, for the audit trail.
std::string TargetOf(const std::vector<JobRecord>& jobs) {
  if (jobs.empty()) return "";
  const std::string first = std::to_string(jobs.front().id);
  return jobs.size() == 1 ? first : first + "-" + std::to_string(jobs.back().id);
}

}  // namespace

void JobServiceImpl::AddTo(MethodTable& table) {
  table.Add("CreateJob", *this, &JobServiceImpl::CreateJob);
  table.Add("BatchCreateJobs", *this, &JobServiceImpl::BatchCreateJobs);
  table.Add("GetJob", *this, &JobServiceImpl::GetJob);
  table.Add("ListJobs", *this, &JobServiceImpl::ListJobs);
  table.Add("ExplainJob", *this, &JobServiceImpl::ExplainJob);
  table.Add("ListQueue", *this, &JobServiceImpl::ListQueue);
  table.Add("CancelJob", *this, &JobServiceImpl::CancelJob);
  table.Add("PauseJob", *this, &JobServiceImpl::PauseJob);
  table.Add("ResumeJob", *this, &JobServiceImpl::ResumeJob);
  table.Add("RequeueJob", *this, &JobServiceImpl::RequeueJob);
  table.Add("DeleteJob", *this, &JobServiceImpl::DeleteJob);
  table.Add("ListJobEvents", *this, &JobServiceImpl::ListJobEvents);
  table.Add("ListMetrics", *this, &JobServiceImpl::ListMetrics);
  table.Add("ListEvaluations", *this, &JobServiceImpl::ListEvaluations);
  table.Add("ListArtifacts", *this, &JobServiceImpl::ListArtifacts);
  table.Add("WatchJob", *this, &JobServiceImpl::WatchJob);
  table.Add("TailLogs", *this, &JobServiceImpl::TailLogs);
  table.Add("DownloadArtifact", *this, &JobServiceImpl::DownloadArtifact);
}

Status JobServiceImpl::FillJob(const AdmittedCall& call, const JobRecord& record,
                               v1::Job& response) const {
  JobVeil veil(call, dependencies_.backend.store);
  response = ToMessage(record, veil);
  DISTILL_ASSIGN_OR_RETURN(const std::vector<AttemptRecord> attempts,
                           dependencies_.backend.store.ListAttempts(record.id));
  for (const AttemptRecord& attempt : attempts) *response.add_attempts() = ToMessage(attempt, veil);
  return {};
}

// The job is stored by then: no failure here may tell its submitter otherwise.
void JobServiceImpl::FillMemoryPeak(const JobRecord& record, JobVeil& veil,
                                    v1::Job& response) const {
  const auto peak = dependencies_.backend.store.FindMemoryPeak(record.spec.memory_key);
  if (!peak.ok()) LogWarning("memory peak not read", {{"error", peak.status().ToString()}});
  if (peak.ok() && *peak) *response.mutable_last_memory_peak() = ToMessage(**peak, veil);
}

template <typename Response, typename Fill>
grpc::Status JobServiceImpl::Submit(grpc::ServerContext& context, const char* method,
                                    Submission submission, Response& response, Fill fill) {
  SubmissionOutcome outcome;
  const Status status =
      dependencies_.access.Run(context, method, "", [&](AdmittedCall& call) -> Status {
        submission.caller = {call.caller().name, call.sees_only_own_jobs()};
        if (submission.validate_only) call.set_changes_nothing();
        FaultPoint("rpc.before_submit");
        DISTILL_RETURN_IF_ERROR(submitter_.Submit(submission, outcome));
        if (!outcome.violations.empty()) return {Code::kInvalidArgument, "the request is at fault"};
        call.set_target(TargetOf(outcome.jobs));
        FaultPoint("rpc.before_reply");
        JobVeil veil(call, dependencies_.backend.store);
        for (const JobRecord& job : outcome.jobs) {
          v1::Job message = ToMessage(job, veil);
          FillMemoryPeak(job, veil, message);
          fill(response, std::move(message));
        }
        return {};
      });
  if (!outcome.violations.empty()) return server::ToGrpc(outcome.violations);
  return server::ToGrpc(status, outcome.reason);
}

grpc::Status JobServiceImpl::CreateJob(grpc::ServerContext* context,
                                       const v1::CreateJobRequest* request, v1::Job* response) {
  Submission submission;
  submission.jobs = {request->job()};
  submission.request_id = request->request_id();
  submission.validate_only = request->validate_only();
  return Submit(*context, __func__, std::move(submission), *response,
                [](v1::Job& answer, v1::Job&& job) { answer = std::move(job); });
}

grpc::Status JobServiceImpl::BatchCreateJobs(grpc::ServerContext* context,
                                             const v1::BatchCreateJobsRequest* request,
                                             v1::BatchCreateJobsResponse* response) {
  Submission submission;
  submission.jobs = {request->jobs().begin(), request->jobs().end()};
  submission.request_id = request->request_id();
  submission.validate_only = request->validate_only();
  submission.is_batch = true;
  return Submit(*context, __func__, std::move(submission), *response,
                [](v1::BatchCreateJobsResponse& answer, v1::Job&& job) {
                  *answer.add_jobs() = std::move(job);
                });
}

template <typename Body>
grpc::Status JobServiceImpl::OnJob(grpc::ServerContext& context, const char* method,
                                   const std::string& reference, Body body) {
  return ToGrpc(
      dependencies_.access.Run(context, method, reference, [&](AdmittedCall& call) -> Status {
        DISTILL_ASSIGN_OR_RETURN(const JobId id,
                                 call.FindJob(dependencies_.backend.store, reference));
        call.set_target(std::to_string(id));  // a name may be used again, an id never is
        return body(id, call);
      }));
}

grpc::Status JobServiceImpl::GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                                    v1::Job* response) {
  return OnJob(
      *context, __func__, request->job(), [&](JobId id, const AdmittedCall& call) -> Status {
        DISTILL_ASSIGN_OR_RETURN(const JobRecord record, dependencies_.backend.store.FindJob(id));
        return FillJob(call, record, *response);
      });
}

Result<JobListQuery> JobServiceImpl::ToQuery(const v1::ListJobsRequest& request,
                                             const AdmittedCall& call) const {
  if (request.page_size() < 0) {
    return Status(Code::kInvalidArgument,
                  "page_size must not be negative: " + std::to_string(request.page_size()));
  }
  JobListQuery query;
  query.page_size =
      std::min(request.page_size() == 0 ? kDefaultPageSize : request.page_size(), kMaxPageSize);
  query.owner = request.owner();
  if (call.sees_only_own_jobs()) {
    if (query.owner.empty()) query.owner = call.caller().name;
    if (!call.MaySeeJob(query.owner)) {
      return Status(Code::kPermissionDenied,
                    "on this server, the jobs of others are private: " + query.owner);
    }
  }
  query.name_prefix = request.name_prefix();
  query.group = request.group();
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

grpc::Status JobServiceImpl::ListJobs(grpc::ServerContext* context,
                                      const v1::ListJobsRequest* request,
                                      v1::ListJobsResponse* response) {
  const auto list = [&](const AdmittedCall& call) -> Status {
    DISTILL_ASSIGN_OR_RETURN(JobListQuery query, ToQuery(*request, call));
    const auto page_size = static_cast<size_t>(query.page_size);
    ++query.page_size;  // one more tells whether there is a next page
    DISTILL_ASSIGN_OR_RETURN(std::vector<JobRecord> jobs,
                             dependencies_.backend.store.ListJobs(query));
    if (jobs.size() > page_size) {
      jobs.resize(page_size);
      response->set_next_page_token(MakePageToken(query, jobs.back().id));
    }
    JobVeil veil(call, dependencies_.backend.store);
    for (const JobRecord& job : jobs) *response->add_jobs() = ToMessage(job, veil);
    return {};
  };
  return ToGrpc(dependencies_.access.Run(*context, __func__, request->owner(), list));
}

grpc::Status JobServiceImpl::ExplainJob(grpc::ServerContext* context,
                                        const v1::ExplainJobRequest* request,
                                        v1::ExplainJobResponse* response) {
  return OnJob(*context, __func__, request->job(),
               [&](JobId id, const AdmittedCall& call) -> Status {
                 DISTILL_ASSIGN_OR_RETURN(const JobExplanation explanation,
                                          dependencies_.backend.manager.Explain(id));
                 JobVeil veil(call, dependencies_.backend.store);
                 *response = ToMessage(explanation, veil);
                 return {};
               });
}

grpc::Status JobServiceImpl::ListQueue(grpc::ServerContext* context,
                                       const v1::ListQueueRequest* request,
                                       v1::ListQueueResponse* response) {
  const auto list = [&](AdmittedCall& call) -> Status {
    if (request->max_entries() < 0) {
      return {Code::kInvalidArgument,
              "max_entries must not be negative: " + std::to_string(request->max_entries())};
    }
    constexpr int kDefaultEntries = 100;
    const int wanted = request->max_entries() == 0 ? kDefaultEntries : request->max_entries();
    DISTILL_ASSIGN_OR_RETURN(const QueueReport report, dependencies_.backend.manager.ListQueue(
                                                           std::min(wanted, kMaxPageSize)));
    response->set_length(report.length);
    // Places of jobs that are not shown stay empty.
    JobVeil veil(call, dependencies_.backend.store);
    for (const QueueEntry& entry : report.entries) {
      if (!call.MaySeeJob(entry.job.spec.owner)) continue;
      *response->add_entries() = ToMessage(entry, veil);
    }
    return {};
  };
  return ToGrpc(dependencies_.access.Run(*context, __func__, "", list));
}

// Who says the same again does nothing.
Status JobServiceImpl::NoteIfAlready(const std::set<JobState>& states, JobId id,
                                     AdmittedCall& call) const {
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, dependencies_.backend.store.FindJob(id));
  if (states.count(job.state) != 0) call.set_changes_nothing();
  return {};
}

grpc::Status JobServiceImpl::CancelJob(grpc::ServerContext* context,
                                       const v1::CancelJobRequest* request, v1::Job* response) {
  return OnJob(*context, __func__, request->job(), [&](JobId id, AdmittedCall& call) -> Status {
    DISTILL_RETURN_IF_ERROR(NoteIfAlready({JobState::kCancelled, JobState::kCancelling}, id, call));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.backend.manager.Cancel(id, call.actor()));
    return FillJob(call, job, *response);
  });
}

grpc::Status JobServiceImpl::PauseJob(grpc::ServerContext* context,
                                      const v1::PauseJobRequest* request, v1::Job* response) {
  return OnJob(*context, __func__, request->job(), [&](JobId id, AdmittedCall& call) -> Status {
    DISTILL_RETURN_IF_ERROR(NoteIfAlready({JobState::kPaused, JobState::kPausing}, id, call));
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                             dependencies_.backend.manager.Pause(id, call.actor()));
    return FillJob(call, job, *response);
  });
}

grpc::Status JobServiceImpl::ResumeJob(grpc::ServerContext* context,
                                       const v1::ResumeJobRequest* request, v1::Job* response) {
  return OnJob(*context, __func__, request->job(),
               [&](JobId id, const AdmittedCall& call) -> Status {
                 DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                                          dependencies_.backend.manager.Resume(id, call.actor()));
                 return FillJob(call, job, *response);
               });
}

grpc::Status JobServiceImpl::RequeueJob(grpc::ServerContext* context,
                                        const v1::RequeueJobRequest* request, v1::Job* response) {
  return OnJob(*context, __func__, request->job(),
               [&](JobId id, const AdmittedCall& call) -> Status {
                 DISTILL_ASSIGN_OR_RETURN(const JobRecord job,
                                          dependencies_.backend.manager.Requeue(id, call.actor()));
                 return FillJob(call, job, *response);
               });
}

grpc::Status JobServiceImpl::DeleteJob(grpc::ServerContext* context,
                                       const v1::DeleteJobRequest* request,
                                       v1::DeleteJobResponse*) {
  return OnJob(*context, __func__, request->job(),
               [&](JobId id, const AdmittedCall& call) -> Status {
                 DISTILL_ASSIGN_OR_RETURN(const std::optional<JobId> needed_by,
                                          dependencies_.backend.manager.Delete(id));
                 if (!needed_by) return {};
                 JobVeil veil(call, dependencies_.backend.store);
                 return {Code::kFailedPrecondition,
                         veil.Print(Sentence::Naming(*needed_by) + " needs it and has not ended")};
               });
}

grpc::Status JobServiceImpl::ListJobEvents(grpc::ServerContext* context,
                                           const v1::ListJobEventsRequest* request,
                                           v1::ListJobEventsResponse* response) {
  const auto list = [&](JobId id, const AdmittedCall& call) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const std::vector<JobEventRecord> events,
                             dependencies_.backend.store.ListEvents(id, request->after_id()));
    JobVeil veil(call, dependencies_.backend.store);
    for (const JobEventRecord& event : events) *response->add_events() = ToMessage(event, veil);
    return {};
  };
  return OnJob(*context, __func__, request->job(), list);
}

grpc::Status JobServiceImpl::ListMetrics(grpc::ServerContext* context,
                                         const v1::ListMetricsRequest* request,
                                         v1::ListMetricsResponse* response) {
  return OnJob(*context, __func__, request->job(), [&](JobId id, const AdmittedCall&) -> Status {
    const std::vector<std::string> names(request->names().begin(), request->names().end());
    DISTILL_ASSIGN_OR_RETURN(const MetricPage page, dependencies_.backend.store.ListMetrics(
                                                        id, names, request->after_cursor()));
    *response = ToMessage(page);
    return {};
  });
}

grpc::Status JobServiceImpl::ListEvaluations(grpc::ServerContext* context,
                                             const v1::ListEvaluationsRequest* request,
                                             v1::ListEvaluationsResponse* response) {
  const auto list = [&](const AdmittedCall& call) -> Status {
    if (request->jobs_size() > kMaxListedJobs) {
      return {Code::kInvalidArgument, "jobs must be at most " + std::to_string(kMaxListedJobs) +
                                          ": " + std::to_string(request->jobs_size())};
    }
    std::vector<JobId> jobs;
    for (const std::string& reference : request->jobs()) {
      DISTILL_ASSIGN_OR_RETURN(const JobId id,
                               call.FindJob(dependencies_.backend.store, reference));
      jobs.push_back(id);
    }
    DISTILL_ASSIGN_OR_RETURN(const std::vector<EvaluationRecord> evaluations,
                             dependencies_.backend.store.ListEvaluations(jobs));
    JobVeil veil(call, dependencies_.backend.store);
    for (const EvaluationRecord& evaluation : evaluations) {
      const bool is_of_model = evaluation.eval_job == 0;  // a training's own
      if (veil.Hides(is_of_model ? evaluation.model_job : evaluation.eval_job)) continue;
      *response->add_evaluations() = ToMessage(evaluation, request->full(), veil);
    }
    return {};
  };
  const std::string target = request->jobs_size() == 1 ? request->jobs(0) : "";
  return ToGrpc(dependencies_.access.Run(*context, __func__, target, list));
}

grpc::Status JobServiceImpl::ListArtifacts(grpc::ServerContext* context,
                                           const v1::ListArtifactsRequest* request,
                                           v1::ListArtifactsResponse* response) {
  return OnJob(*context, __func__, request->job(), [&](JobId id, const AdmittedCall&) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const std::vector<ArtifactRecord> artifacts,
                             dependencies_.backend.store.ListArtifacts(id));
    for (const ArtifactRecord& artifact : artifacts) {
      *response->add_artifacts() = ToMessage(artifact);
    }
    return {};
  });
}

JobStreamInputs JobServiceImpl::StreamInputs() const {
  return {dependencies_.backend.store, dependencies_.backend.preparer, dependencies_.backend.clock,
          verified_};
}

template <typename Message, typename MakeSource>
grpc::ServerWriteReactor<Message>* JobServiceImpl::StartStream(grpc::CallbackServerContext& context,
                                                               const char* method,
                                                               const std::string& reference,
                                                               MakeSource make_source) {
  using Stream = PumpedStream<Message>;
  const auto open = [&access = dependencies_.access, &context, method, inputs = StreamInputs(),
                     reference, make_source](
                        typename Stream::Opening& opening,
                        const typename Stream::Claim& claim) -> Result<typename Stream::Source> {
    typename Stream::Source source;
    const auto find = [&](const AdmittedCall& call) -> Status {
      DISTILL_RETURN_IF_ERROR(claim(call.caller().name));
      DISTILL_ASSIGN_OR_RETURN(opening.watched, call.FindJob(inputs.store, reference));
      DISTILL_ASSIGN_OR_RETURN(const JobRecord job, inputs.store.FindJob(opening.watched));
      DISTILL_ASSIGN_OR_RETURN(source,
                               make_source(inputs, opening.watched, JobVeil(call, inputs.store)));
      opening.ask_again = [&access, &context, method, call, owner = job.spec.owner] {
        return access.AskAgain(context, method, call, owner);
      };
      return {};
    };
    DISTILL_RETURN_IF_ERROR(access.Run(context, method, reference, find));
    return source;
  };
  return Stream::Start(dependencies_.stream_environment, context, open);
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobServiceImpl::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  using Source = std::unique_ptr<StreamSource<v1::WatchJobResponse>>;
  return StartStream<v1::WatchJobResponse>(
      *context, __func__, request->job(),
      [](const JobStreamInputs& inputs, JobId job, JobVeil veil) -> Result<Source> {
        return MakeWatchSource(inputs, job, std::move(veil));
      });
}

grpc::ServerWriteReactor<v1::TailLogsResponse>* JobServiceImpl::TailLogs(
    grpc::CallbackServerContext* context, const v1::TailLogsRequest* request) {
  return StartStream<v1::TailLogsResponse>(
      *context, __func__, request->job(),
      [request = *request](const JobStreamInputs& inputs, JobId job, const JobVeil&) {
        return MakeLogSource(inputs, job, request);
      });
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* JobServiceImpl::DownloadArtifact(
    grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  return StartStream<v1::DownloadArtifactResponse>(
      *context, __func__, request->job(),
      [request = *request](const JobStreamInputs& inputs, JobId job, const JobVeil&) {
        return MakeArtifactSource(inputs, job, request);
      });
}

}  // namespace distill::server
