#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <sstream>

#include "distill/v1/job_service.grpc.pb.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LimitsTest : public CrashLab {
 protected:
  // Submits a job and waits until its worker runs and waits.
  std::string RunOne() {
    const auto job = Submit(TrainRequest(), "");
    EXPECT_THAT(job, IsOk());
    if (!job.ok()) return "";
    AwaitState(job->id(), v1::JOB_STATE_RUNNING);
    return job->id();
  }
};

TEST_F(LimitsTest, AUserHasOnlySoManyJobsInTheQueue) {
  SetScript("started;wait_term");
  AddArguments({"--max-queued-jobs-per-user", "2"});
  ASSERT_TRUE(StartDaemon());
  RunOne();
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("ada"), HasSubstr("max_queued_jobs_per_user): 2"))));
}

TEST_F(LimitsTest, AUserWhoseFilesTakeTooMuchMustDeleteSome) {
  SetScript("started;artifact best.safetensors;outcome 8 0");  // of 7 bytes
  AddArguments({"--max-disk-bytes-per-user", "6"});
  ASSERT_TRUE(StartDaemon());
  const auto job = Submit(TrainRequest(), "");
  ASSERT_THAT(job, IsOk());
  AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("take 7 bytes"), HasSubstr("max_disk_bytes_per_user: 6"))));
}

TEST_F(LimitsTest, AUserSubmitsOnlySoFast) {
  AddArguments({"--max-submits-per-minute", "2"});
  ASSERT_TRUE(StartDaemon());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("max_submits_per_minute"), HasSubstr("try again in"))));
}

TEST_F(LimitsTest, AUserHasOnlySoManyStreams) {
  SetScript("started;wait_term");
  AddArguments({"--max-streams-per-user", "1"});
  ASSERT_TRUE(StartDaemon());
  v1::WatchJobRequest request;
  request.set_job(RunOne());
  const auto stub = v1::JobService::NewStub(channel());
  v1::WatchJobResponse response;
  grpc::ClientContext first_context;
  const auto first = stub->WatchJob(&first_context, request);
  ASSERT_TRUE(first->Read(&response));

  grpc::ClientContext second_context;
  const auto second = stub->WatchJob(&second_context, request);
  EXPECT_FALSE(second->Read(&response));
  const grpc::Status refused = second->Finish();

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("max_streams_per_user"));
  first_context.TryCancel();
  first->Finish();
  EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    grpc::ClientContext third_context;
    const auto third = stub->WatchJob(&third_context, request);
    const bool is_open = third->Read(&response);
    third_context.TryCancel();
    third->Finish();
    return is_open;
  }));
}

TEST_F(LimitsTest, ALongLogIsCutAtItsFrontAndSaysSo) {
  constexpr int kLines = 600;
  std::string script = "started;";
  for (int line = 1; line <= kLines; ++line) {
    script += "print " + std::to_string(line) + " " + std::string(1000, 'x') + ";";
  }
  SetScript(script + "outcome 8 0");
  AddArguments({"--max-log-bytes", "65536"});
  ASSERT_TRUE(StartDaemon());
  const auto job = Submit(TrainRequest(), "");
  ASSERT_THAT(job, IsOk());
  AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);

  v1::TailLogsRequest request;
  request.set_job(job->id());
  grpc::ClientContext context;
  const auto stub = v1::JobService::NewStub(channel());
  const auto reader = stub->TailLogs(&context, request);
  std::string log;
  for (v1::TailLogsResponse piece; reader->Read(&piece);) log += piece.data();

  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_THAT(log, StartsWith("[distilld: "));
  EXPECT_THAT(log, HasSubstr(" bytes of the log were cut]\n"));
  EXPECT_THAT(log, EndsWith("600 " + std::string(1000, 'x') + "\n"));
  EXPECT_LT(log.size(), 65536U * 3);
  EXPECT_EQ(log.find('\0'), std::string::npos);
}

TEST_F(LimitsTest, AWorkersFilesAreLimited) {
  SetScript("started;wait_term");
  AddArguments({"--max-artifact-bytes", "123456"});
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();

  std::istringstream lock(AwaitFile(RunDirectory(job, 1) / "worker.lock"));
  std::string pid;
  lock >> pid;

  EXPECT_THAT(ContentOf("/proc/" + pid + "/limits"), HasSubstr("Max file size             123456"));
}

}  // namespace
}  // namespace distill::testing
