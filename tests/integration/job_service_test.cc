#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/crc32c.h"
#include "tests/integration/test_server.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kRequestId[] = "6f1c2f3e-0d3c-4a57-9d53-1b6f6f0c7a11";

class JobServiceTest : public ::testing::Test {
 protected:
  grpc::Status Create(const v1::CreateJobRequest& request, v1::Job& job) {
    return server_.jobs().CreateJob(Context().get(), request, &job);
  }

  v1::Job CreateJob(const std::string& name) {
    v1::CreateJobRequest request;
    *request.mutable_job() = MakeTrainJob(name);
    v1::Job job;
    const grpc::Status status = Create(request, job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }

  grpc::Status Get(const std::string& reference, v1::Job& job) {
    v1::GetJobRequest request;
    request.set_job(reference);
    return server_.jobs().GetJob(Context().get(), request, &job);
  }

  grpc::Status Cancel(const std::string& reference, v1::Job& job) {
    v1::CancelJobRequest request;
    request.set_job(reference);
    return server_.jobs().CancelJob(Context().get(), request, &job);
  }

  v1::ListJobsResponse List(const v1::ListJobsRequest& request) {
    v1::ListJobsResponse response;
    const grpc::Status status = server_.jobs().ListJobs(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  TestServer server_;
};

TEST_F(JobServiceTest, CreatedJobIsFoundByIdNameAndLast) {
  const v1::Job created = CreateJob("first");

  for (const std::string& reference : {created.id(), std::string("first"), std::string("@last")}) {
    v1::Job found;
    ASSERT_TRUE(Get(reference, found).ok()) << reference;
    EXPECT_EQ(found.id(), created.id());
    EXPECT_EQ(found.owner(), "ada");
    EXPECT_EQ(found.train().epochs(), 2);
    EXPECT_FALSE(found.train().has_batch_size());
    EXPECT_EQ(found.resolved_train().batch_size(), 64);
  }
}

TEST_F(JobServiceTest, UnknownJobIsNotFoundWithAReason) {
  v1::Job job;

  const grpc::Status status = Get("nobody", job);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
}

TEST_F(JobServiceTest, AllViolationsComeAtOnceInTheDetails) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("wrong");
  request.mutable_job()->mutable_train()->set_model("resnet51");
  request.mutable_job()->mutable_train()->set_epochs(-1);
  v1::Job job;

  const grpc::Status status = Create(request, job);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "INVALID_REQUEST");
  EXPECT_THAT(FieldsOf(status), ElementsAre("train.epochs", "train.model"));
}

TEST_F(JobServiceTest, RequestIdMakesARetryTheSameJob) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("once");
  request.set_request_id(kRequestId);
  v1::Job first;
  v1::Job second;

  ASSERT_TRUE(Create(request, first).ok());
  ASSERT_TRUE(Create(request, second).ok());

  EXPECT_EQ(first.id(), second.id());
  request.mutable_job()->mutable_train()->set_epochs(3);
  const grpc::Status status = Create(request, second);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REUSED");
}

TEST_F(JobServiceTest, RequestIdMustBeAUuid) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("job");
  request.set_request_id("again");
  v1::Job job;

  EXPECT_THAT(FieldsOf(Create(request, job)), ElementsAre("request_id"));
}

TEST_F(JobServiceTest, PausedJobLeavesItsDeviceAndIsResumed) {
  const v1::Job created = CreateJob("job");
  ASSERT_TRUE(server_.WaitForState(created.id(), v1::JOB_STATE_RUNNING));
  v1::PauseJobRequest pause;
  pause.set_job("job");
  v1::ResumeJobRequest resume;
  resume.set_job("job");
  v1::Job job;
  EXPECT_EQ(server_.jobs().ResumeJob(Context().get(), resume, &job).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);

  ASSERT_TRUE(server_.jobs().PauseJob(Context().get(), pause, &job).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_PAUSING);
  ASSERT_TRUE(server_.WaitForState(created.id(), v1::JOB_STATE_PAUSED));
  ASSERT_TRUE(server_.jobs().ResumeJob(Context().get(), resume, &job).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(server_.WaitForState(created.id(), v1::JOB_STATE_RUNNING));
  server_.LetGo(created.id(), 2);
  ASSERT_TRUE(server_.WaitForState(created.id(), v1::JOB_STATE_SUCCEEDED));

  ASSERT_TRUE(Get("job", job).ok());
  ASSERT_THAT(job.attempts(), SizeIs(2));
  EXPECT_EQ(job.attempts(0).state(), v1::JOB_STATE_PAUSED);
}

TEST_F(JobServiceTest, ValidateOnlyStoresNothing) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("dry");
  request.set_validate_only(true);
  v1::Job job;

  ASSERT_TRUE(Create(request, job).ok());

  EXPECT_EQ(job.resolved_train().batch_size(), 64);
  EXPECT_EQ(Get("dry", job).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobServiceTest, TakenNameAlreadyExistsAlsoWhenOnlyValidating) {
  CreateJob("taken");
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("taken");
  v1::Job job;

  const grpc::Status status = Create(request, job);
  request.set_validate_only(true);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(status), "NAME_TAKEN");
  EXPECT_EQ(Create(request, job).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(JobServiceTest, BatchMayNameEarlierJobsAndIsStoredWholeOrNot) {
  v1::BatchCreateJobsRequest request;
  *request.add_jobs() = MakeTrainJob("teacher");
  *request.add_jobs() = MakeTrainJob("student");
  v1::Distillation& distillation =
      *request.mutable_jobs(1)->mutable_train()->mutable_distillation();
  distillation.add_teachers()->set_job("teacher");
  distillation.add_terms()->set_method(v1::DISTILLATION_METHOD_SP);
  v1::BatchCreateJobsResponse response;

  v1::BatchCreateJobsRequest wrong = request;
  wrong.mutable_jobs(1)->mutable_train()->set_epochs(0);
  const grpc::Status refused = server_.jobs().BatchCreateJobs(Context().get(), wrong, &response);
  EXPECT_THAT(FieldsOf(refused), ElementsAre("jobs[1].train.epochs"));
  EXPECT_THAT(List({}).jobs(), SizeIs(0));

  ASSERT_TRUE(server_.jobs().BatchCreateJobs(Context().get(), request, &response).ok());
  ASSERT_THAT(response.jobs(), SizeIs(2));
  EXPECT_THAT(response.jobs(1).depends_on(), ElementsAre(response.jobs(0).id()));
}

TEST_F(JobServiceTest, ListGoesPageByPageAndTokensFitTheirFilterOnly) {
  for (const char* name : {"a1", "a2", "b1"}) CreateJob(name);
  v1::ListJobsRequest request;
  request.set_page_size(1);
  request.set_name_prefix("a");

  const v1::ListJobsResponse first = List(request);
  request.set_page_token(first.next_page_token());
  const v1::ListJobsResponse second = List(request);

  EXPECT_EQ(first.jobs(0).name(), "a2");
  EXPECT_EQ(second.jobs(0).name(), "a1");
  EXPECT_EQ(second.next_page_token(), "");
  request.set_name_prefix("b");
  v1::ListJobsResponse ignored;
  EXPECT_EQ(server_.jobs().ListJobs(Context().get(), request, &ignored).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(JobServiceTest, CancelStopsARunningJobAndRefusesAnEndedOne) {
  const v1::Job job = CreateJob("running");
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  v1::Job answer;

  ASSERT_TRUE(Cancel("running", answer).ok());

  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_CANCELLED));
  EXPECT_TRUE(Cancel("running", answer).ok());  // twice is no error
  const v1::Job done = CreateJob("done");
  ASSERT_TRUE(server_.WaitForState(done.id(), v1::JOB_STATE_RUNNING));
  server_.LetGo(done.id());
  ASSERT_TRUE(server_.WaitForState(done.id(), v1::JOB_STATE_SUCCEEDED));
  const grpc::Status status = Cancel("done", answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "WRONG_STATE");
}

TEST_F(JobServiceTest, DeleteRemovesAnEndedJobOnly) {
  const v1::Job job = CreateJob("short");
  v1::DeleteJobRequest request;
  request.set_job("short");
  v1::DeleteJobResponse response;
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));

  EXPECT_EQ(server_.jobs().DeleteJob(Context().get(), request, &response).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  server_.LetGo(job.id());
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(server_.jobs().DeleteJob(Context().get(), request, &response).ok());

  v1::Job found;
  EXPECT_EQ(Get("short", found).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobServiceTest, WatchSendsTheJobUntilItHasEnded) {
  const v1::Job job = CreateJob("watched");
  v1::WatchJobRequest request;
  request.set_job("watched");
  const auto context = Context();
  const auto stream = server_.jobs().WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.job().id(), job.id());

  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  server_.LetGo(job.id());
  while (stream->Read(&message)) {
  }

  EXPECT_EQ(message.job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(JobServiceTest, WatchIsSilentWhileNothingChanges) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("watched");
  for (int i = 0; i < 40; ++i) {
    (*request.mutable_job()->mutable_labels())["label-" + std::to_string(i)] = "x";
  }
  v1::Job job;
  ASSERT_TRUE(server_.jobs().CreateJob(Context().get(), request, &job).ok());
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  v1::WatchJobRequest watch;
  watch.set_job("watched");
  const auto context = Context();
  const auto stream = server_.jobs().WatchJob(context.get(), watch);
  v1::WatchJobResponse message;
  int num_messages = 0;
  ASSERT_TRUE(stream->Read(&message));
  // Other calls take their time meanwhile.
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  server_.LetGo(job.id());
  while (stream->Read(&message)) ++num_messages;

  EXPECT_EQ(message.job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_LE(num_messages, 6);  // its artifacts, its end
}

TEST_F(JobServiceTest, EventsTellChangesOfStateAndNoticesWithTheirLevel) {
  server_.preparer().set_script("started;notice a word;warning of it;outcome 8 0");
  const v1::Job job = CreateJob("told");
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_SUCCEEDED));
  v1::ListJobEventsRequest request;
  request.set_job("told");
  v1::ListJobEventsResponse response;

  ASSERT_TRUE(server_.jobs().ListJobEvents(Context().get(), request, &response).ok());

  std::vector<std::string> notices;
  for (const v1::JobEvent& event : response.events()) {
    if (event.from_state() == event.to_state()) {
      notices.push_back(v1::EventLevel_Name(event.level()) + " " + event.message());
    } else {
      EXPECT_EQ(event.level(), v1::EVENT_LEVEL_INFORMATION) << event.ShortDebugString();
    }
  }
  EXPECT_THAT(notices, ElementsAre("EVENT_LEVEL_INFORMATION a word", "EVENT_LEVEL_WARNING of it"));
}

TEST_F(JobServiceTest, WatchOfAnUnknownJobIsNotFound) {
  v1::WatchJobRequest request;
  request.set_job("nobody");
  const auto context = Context();
  const auto stream = server_.jobs().WatchJob(context.get(), request);
  v1::WatchJobResponse message;

  EXPECT_FALSE(stream->Read(&message));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobServiceTest, LogIsFollowedToItsEndAndResumedFromAnOffset) {
  server_.preparer().set_script("started;print one;wait go;print two;outcome 8 0");
  const v1::Job job = CreateJob("talker");
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  server_.LetGo(job.id());
  v1::TailLogsRequest request;
  request.set_job("talker");
  request.set_follow(true);
  const auto context = Context();
  const auto stream = server_.jobs().TailLogs(context.get(), request);
  v1::TailLogsResponse message;
  std::string log;
  while (stream->Read(&message)) log += message.data();

  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(log, HasSubstr("one\n"));
  EXPECT_THAT(log, HasSubstr("two\n"));
  EXPECT_EQ(message.next_offset(), static_cast<int64_t>(log.size()));

  request.set_offset(message.next_offset() - 4);
  const auto again = Context();
  const auto rest = server_.jobs().TailLogs(again.get(), request);
  ASSERT_TRUE(rest->Read(&message));
  EXPECT_EQ(message.data(), "two\n");
  EXPECT_FALSE(rest->Read(&message));
}

TEST_F(JobServiceTest, ArtifactComesWholeWithItsChecksum) {
  server_.preparer().set_script("started;artifact best.safetensors;outcome 8 0");
  const v1::Job job = CreateJob("maker");
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_SUCCEEDED));
  v1::DownloadArtifactRequest request;
  request.set_job("maker");
  const auto context = Context();
  const auto stream = server_.jobs().DownloadArtifact(context.get(), request);
  v1::DownloadArtifactResponse message;

  ASSERT_TRUE(stream->Read(&message));

  EXPECT_EQ(message.artifact().name(), "best.safetensors");
  EXPECT_EQ(message.data(), "content");
  EXPECT_EQ(message.crc32c(), Crc32c("content"));
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(JobServiceTest, OnlyRegisteredFilesCanBeDownloaded) {
  const v1::Job job = CreateJob("maker");
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  for (const char* name : {"spec.json", "../../../../etc/passwd", "/etc/passwd"}) {
    v1::DownloadArtifactRequest request;
    request.set_job("maker");
    request.set_artifact(name);
    const auto context = Context();
    const auto stream = server_.jobs().DownloadArtifact(context.get(), request);
    v1::DownloadArtifactResponse message;

    EXPECT_FALSE(stream->Read(&message));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND) << name;
  }
}

TEST_F(JobServiceTest, StreamsEndWithUnavailableWhenTheServerStops) {
  CreateJob("watched");
  v1::WatchJobRequest request;
  request.set_job("watched");
  const auto context = Context();
  const auto stream = server_.jobs().WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  ASSERT_TRUE(stream->Read(&message));

  server_.StopServing();

  while (stream->Read(&message)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace distill::server
