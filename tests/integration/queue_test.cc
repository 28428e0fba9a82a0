#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/eventually.h"
#include "tests/integration/test_server.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A server of one device, whose first job runs until it is let go.
class QueueTest : public ::testing::Test {
 protected:
  grpc::Status Create(const v1::Job& job, v1::Job& created) {
    v1::CreateJobRequest request;
    *request.mutable_job() = job;
    return server_.jobs().CreateJob(Context().get(), request, &created);
  }

  v1::Job MustCreate(const v1::Job& job) {
    v1::Job created;
    const grpc::Status status = Create(job, created);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return created;
  }

  v1::ExplainJobResponse Explain(const std::string& job) {
    v1::ExplainJobRequest request;
    request.set_job(job);
    v1::ExplainJobResponse response;
    const grpc::Status status = server_.jobs().ExplainJob(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  TestServer server_;
};

TEST_F(QueueTest, WhyAndQueueTellRuleHolderAndPlace) {
  const v1::Job running = MustCreate(MakeTrainJob("running"));
  ASSERT_TRUE(server_.WaitForState("running", v1::JOB_STATE_RUNNING));
  const v1::Job first = MustCreate(MakeTrainJob("first"));
  v1::Job later = MakeTrainJob("later");
  later.add_after()->set_job("first");
  MustCreate(later);

  const v1::ExplainJobResponse why = Explain("first");
  EXPECT_EQ(why.waiting().rule(), v1::WAITING_RULE_DEVICE);
  EXPECT_EQ(why.waiting().place(), 1);
  EXPECT_EQ(why.queue_length(), 2);
  EXPECT_THAT(why.waiting().holders(), ElementsAre(running.id()));
  EXPECT_EQ(why.holders(0).name(), "running");
  EXPECT_EQ(Explain("later").waiting().rule(), v1::WAITING_RULE_DEPENDENCY);
  EXPECT_FALSE(Explain("running").has_waiting());

  v1::ListQueueResponse queue;
  ASSERT_TRUE(server_.jobs().ListQueue(Context().get(), {}, &queue).ok());
  ASSERT_EQ(queue.entries_size(), 2);
  EXPECT_EQ(queue.entries(0).job().id(), first.id());
  EXPECT_THAT(queue.entries(1).waiting().reason(), HasSubstr("waits for job " + first.id()));
}

TEST_F(QueueTest, JobAfterOneThatFailsStartsOnlyIfItFails) {
  server_.preparer().set_script("started;wait go;outcome 9 4");
  const v1::Job first = MustCreate(MakeTrainJob("first"));
  ASSERT_TRUE(server_.WaitForState("first", v1::JOB_STATE_RUNNING));
  v1::Job on_failure = MakeTrainJob("on-failure");
  on_failure.add_after()->set_job("first");
  on_failure.mutable_after(0)->set_condition(v1::AFTER_CONDITION_FAIL);
  MustCreate(on_failure);
  v1::Job on_success = MakeTrainJob("on-success");
  on_success.add_after()->set_job(first.id());
  MustCreate(on_success);

  server_.LetGo(first.id());

  EXPECT_TRUE(server_.WaitForState("on-failure", v1::JOB_STATE_RUNNING));
  EXPECT_EQ(Explain("on-success").waiting().rule(), v1::WAITING_RULE_DEPENDENCY_LOST);
  EXPECT_TRUE(Explain("on-success").waiting().blocked());
}

TEST_F(QueueTest, GroupIsListedByItself) {
  v1::Job grouped = MakeTrainJob("in");
  grouped.set_group("sweep");
  MustCreate(grouped);
  MustCreate(MakeTrainJob("out"));
  v1::ListJobsRequest request;
  request.set_group("sweep");
  v1::ListJobsResponse response;

  ASSERT_TRUE(server_.jobs().ListJobs(Context().get(), request, &response).ok());

  ASSERT_EQ(response.jobs_size(), 1);
  EXPECT_EQ(response.jobs(0).name(), "in");
  EXPECT_EQ(response.jobs(0).group(), "sweep");
}

TEST_F(QueueTest, WrongRequestsAreNamedByField) {
  v1::Job job = MakeTrainJob("a");
  job.add_after()->set_job("nobody");
  job.mutable_resources()->set_gpu_memory_bytes(1);
  v1::Job created;

  const grpc::Status status = Create(job, created);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status),
              ::testing::UnorderedElementsAre("after[0].job", "resources.gpu_memory_bytes"));
  EXPECT_THAT(ReasonOf(status), ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace distill::server
