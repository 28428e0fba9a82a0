#include "client/job_client.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"
#include "tests/unit/client/fake_server.h"

namespace distill::client {
namespace {

using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using testing::FakeServer;
using ::testing::SizeIs;

v1::Job JobIn(v1::JobState state, int epoch = 0) {
  v1::Job job;
  job.set_id("7");
  job.set_state(state);
  job.mutable_progress()->set_epoch(epoch);
  return job;
}

class JobClientTest : public ::testing::Test {
 protected:
  JobClientTest() : client_(Options()) {}

  JobClientOptions Options() const {
    JobClientOptions options;
    options.access.server = server_.address();
    options.user = "ada";
    options.first_backoff = std::chrono::milliseconds(1);
    return options;
  }

  FakeServer server_;
  JobClient client_;
};

TEST_F(JobClientTest, ACreationIsRepeatedWithTheSameRequestId) {
  server_.jobs.create_failures = {grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"),
                                  grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting")};
  v1::CreateJobRequest request;
  request.set_request_id("3f0d6c2e-7a0c-4b1e-9a55-5d8f1c0b2a11");

  ASSERT_OK(client_.CreateJob(request));

  ASSERT_THAT(server_.jobs.created, SizeIs(3));
  for (const auto& created : server_.jobs.created) {
    EXPECT_EQ(created.request_id(), request.request_id());
  }
  EXPECT_EQ(server_.jobs.user, "ada");
}

// Nobody listens there: a call that went to the proxy would fail.
TEST_F(JobClientTest, APlainConnectionGoesToNoProxy) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::unsetenv("no_proxy");
  const JobClient client(Options());

  EXPECT_OK(client.GetServerInfo());

  ::unsetenv("http_proxy");
}

TEST_F(JobClientTest, OtherFailuresAreNotRepeated) {
  server_.jobs.create_failures = {grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full")};

  EXPECT_THAT(client_.CreateJob({}), HasCode(Code::kResourceExhausted));

  EXPECT_THAT(server_.jobs.created, SizeIs(1));
}

TEST_F(JobClientTest, AListIsFetchedPageByPage) {
  for (int index = 0; index < 5; ++index) server_.jobs.job_list.push_back(JobIn({}, index));

  EXPECT_EQ(client_.ListJobs({}, /*max_jobs=*/0).value().jobs_size(), 5);
  EXPECT_EQ(client_.ListJobs({}, /*max_jobs=*/3).value().jobs_size(), 3);
  EXPECT_EQ(server_.jobs.lists.back().page_size(), 1);
}

TEST_F(JobClientTest, AWatchGoesOnAfterABrokenStream) {
  server_.jobs.watch_streams = {{JobIn(v1::JOB_STATE_RUNNING, 1)},
                                {JobIn(v1::JOB_STATE_RUNNING, 2)},
                                {JobIn(v1::JOB_STATE_SUCCEEDED, 3)}};
  server_.jobs.watch_ends = {grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down"),
                             grpc::Status::OK};
  std::vector<int> epochs;
  int reconnections = 0;
  StreamLimits limits;
  limits.on_reconnect = [&](const Status&) { ++reconnections; };

  ASSERT_OK(client_.WatchJob("7", limits, [&](const v1::Job& job) {
    epochs.push_back(job.progress().epoch());
    return true;
  }));

  EXPECT_THAT(epochs, ElementsAre(1, 2, 3));
  EXPECT_EQ(reconnections, 2);
}

TEST_F(JobClientTest, AWatchEndsAtItsDeadline) {
  StreamLimits limits;
  limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);

  EXPECT_THAT(client_.WatchJob("7", limits, [](const v1::Job&) { return true; }),
              HasCode(Code::kDeadlineExceeded));
}

TEST_F(JobClientTest, AWatchEndsAtTheUsersInterrupt) {
  Cancellation cancellation;
  cancellation.Cancel();
  StreamLimits limits;
  limits.cancellation = &cancellation;

  EXPECT_THAT(client_.WatchJob("7", limits, [](const v1::Job&) { return true; }),
              HasCode(Code::kCancelled));
}

TEST_F(JobClientTest, ALogGoesOnWhereItBroke) {
  server_.jobs.log = "first line\nsecond line\n";
  server_.jobs.log_break_after = 7;
  std::string log;

  ASSERT_OK(client_.TailLogs({}, {}, [&](const std::string& data) { log += data; }));

  EXPECT_EQ(log, server_.jobs.log);
  EXPECT_THAT(server_.jobs.log_offsets, ElementsAre(0, 7));
}

TEST(JobClientWithoutServerTest, AnUnreachableServerIsUnavailable) {
  JobClientOptions options;
  options.access.server = "127.0.0.1:1";  // nothing listens there
  options.first_backoff = std::chrono::milliseconds(1);

  EXPECT_THAT(JobClient(options).GetJob("a"), HasCode(Code::kUnavailable));
}

}  // namespace
}  // namespace distill::client
