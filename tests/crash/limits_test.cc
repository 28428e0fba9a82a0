#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <sstream>
#include <vector>

#include "core/base/durable_file.h"
#include "distill/v1/job_service.grpc.pb.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"
#include "tests/raw_call.h"

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

  // Returns what a job that waits says once it says something.
  std::string AwaitMessage(const std::string& job) {
    std::string message;
    EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
      const auto found = Get(job);
      if (found.ok()) message = found->message();
      return !message.empty();
    }));
    return message;
  }

  // Waits until the audit trail holds a call of `method` that was refused for `limit`; returns it.
  std::string AwaitRefusal(const std::string& method, const std::string& limit,
                           const std::string& outcome = "RESOURCE_EXHAUSTED") {
    std::string refusal;
    const std::filesystem::path output = folder() / "trail";
    const auto is_there = [&] {
      std::filesystem::remove(output);
      EXPECT_EQ(Admin({"audit"}, output), 0);
      std::istringstream trail(ContentOf(output));
      for (std::string line; std::getline(trail, line);) {
        if (line.find("\t" + method + "\t") != std::string::npos &&
            line.find("\t" + outcome + "\t") != std::string::npos &&
            line.find(limit) != std::string::npos) {
          refusal = line;
          return true;
        }
      }
      return false;
    };
    EXPECT_TRUE(Eventually(std::chrono::seconds(60), is_there)) << ContentOf(output);
    return refusal;
  }

  // Calls a method of JobService by its name, with a request of `pieces`, which it refuses; returns
  // how the call ends.
  grpc::Status Call(const std::string& method, const std::vector<grpc::Slice>& pieces,
                    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_compression_algorithm(compression);
    context->AddMetadata("distill-user", "ada");
    std::string response;
    return CallRaw(channel(), std::move(context), "/distill.v1.JobService/" + method, pieces,
                   response);
  }

  // The most memory that the daemon has had, in MiB.
  int64_t PeakOfMemory() {
    constexpr char kPeak[] = "VmHWM:";
    const std::string status = ContentOf("/proc/" + std::to_string(daemon()) + "/status");
    return std::stoll(status.substr(status.find(kPeak) + sizeof(kPeak) - 1)) / 1024;
  }

  // A request of so many MiB.
  static std::vector<grpc::Slice> Mebibytes(size_t number) {
    return std::vector<grpc::Slice>(number, grpc::Slice(std::string(1U << 20U, '\0')));
  }

  // While ada watches a job, no other stream of hers about it is opened, and each that was refused
  // names `limit` and `remedy`, and is in the trail.
  void ExpectNoSecondStream(const std::string& job, const std::string& limit,
                            const std::string& remedy) {
    const auto stub = v1::JobService::NewStub(channel());
    v1::WatchJobRequest request;
    request.set_job(job);
    v1::WatchJobResponse response;
    grpc::ClientContext context;
    context.AddMetadata("distill-user", "ada");
    const auto first = stub->WatchJob(&context, request);
    EXPECT_TRUE(first->Read(&response));
    const std::string about = request.SerializeAsString();  // field 1 of the other two as well
    for (const char* method : {"WatchJob", "TailLogs", "DownloadArtifact"}) {
      const grpc::Status refused = Call(method, {grpc::Slice(about)});
      EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << method;
      EXPECT_THAT(refused.error_message(), AllOf(HasSubstr(limit), HasSubstr(remedy))) << method;
      AwaitRefusal(method, limit);
    }
    context.TryCancel();
    first->Finish();
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
                       AllOf(HasSubstr("ada"), HasSubstr("max_queued_jobs_per_user: 2"),
                             HasSubstr("cancel some"))));
  AwaitRefusal("CreateJob", "max_queued_jobs_per_user: 2");
}

TEST_F(LimitsTest, TheQueueTakesOnlySoManyJobsInAll) {
  SetScript("started;wait_term");
  AddArguments({"--max-queued-jobs", "2"});
  ASSERT_TRUE(StartDaemon());
  RunOne();
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted, AllOf(HasSubstr("max_queued_jobs: 2"),
                                                       HasSubstr("when jobs have started"))));
  AwaitRefusal("CreateJob", "max_queued_jobs: 2");
}

TEST_F(LimitsTest, AJobOfAUserWithAsManyAsMayRunWaitsAndSaysSo) {
  SetScript("started;wait_term");
  AddArguments({"--max-running-jobs-per-user", "1"});
  ASSERT_TRUE(StartDaemon());
  RunOne();
  const auto second = Submit(TrainRequest(), "");
  ASSERT_THAT(second, IsOk());

  EXPECT_EQ(AwaitMessage(second->id()),
            "waits for its turn: a user may have 1 running job (max_running_jobs_per_user)");
}

TEST_F(LimitsTest, AJobOfAUserWithAsManyDevicesAsAUserMayHaveWaitsAndSaysSo) {
  SetScript("started;wait_term");
  AddArguments({"--max-devices-per-user", "1"});
  ASSERT_TRUE(StartDaemon());
  RunOne();
  const auto second = Submit(TrainRequest(), "");
  ASSERT_THAT(second, IsOk());

  EXPECT_EQ(AwaitMessage(second->id()),
            "waits for its turn: a user may have 1 device (max_devices_per_user)");
}

TEST_F(LimitsTest, JobsOfAGroupOfUsersWithAsManyAsMayRunWaitAndSaySo) {
  SetScript("started;wait_term");
  const std::filesystem::path config = folder() / "distilld.toml";
  ASSERT_OK(ReplaceFile(
      config, "user_groups = [{name = \"vision\", users = [\"ada\"], max_running_jobs = 1}]\n"));
  AddArguments({"--config", config.string()});
  ASSERT_TRUE(StartDaemon());
  RunOne();
  const auto second = Submit(TrainRequest(), "");
  ASSERT_THAT(second, IsOk());

  EXPECT_EQ(AwaitMessage(second->id()),
            "waits for its turn: the group vision may have 1 running job (user_groups)");
}

TEST_F(LimitsTest, ARequestThatIsTooLargeIsRefusedWithTheLimitAndTheRemedy) {
  AddArguments({"--max-message-bytes", "65536"});
  ASSERT_TRUE(StartDaemon());
  const std::filesystem::path output = folder() / "output";

  EXPECT_NE(Ctl({"train", "--dataset", "birds", "--model", "mobilenetv2", "--label",
                 "note=" + std::string(100'000, 'x')},
                output),
            0);

  EXPECT_THAT(ContentOf(output), AllOf(HasSubstr("max_message_bytes"), HasSubstr("65536"),
                                       HasSubstr("submit fewer jobs at once")));
  EXPECT_THAT(AwaitRefusal("CreateJob", "max_message_bytes: 65536"),
              AllOf(HasSubstr(" (unverified)\t"), HasSubstr("\tipv4:127.0.0.1:")));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they count otherwise

TEST_F(LimitsTest, ARequestWithoutEndTakesNoMoreMemoryThanRequestsMayAndIsInTheTrail) {
  AddArguments({"--max-message-bytes", "65536", "--max-streams", "1"});
  ASSERT_TRUE(StartDaemon());

  EXPECT_FALSE(Call("CreateJob", Mebibytes(700)).ok());

  EXPECT_LT(PeakOfMemory(), 300);  // 65 MiB and the daemon's own
  AwaitRefusal("CreateJob", "memory for requests", "CANCELLED");
  EXPECT_THAT(Submit(TrainRequest(), ""), IsOk());
}

TEST_F(LimitsTest, ASmallRequestThatUnfoldsToALargeOneIsRefusedUnopened) {
  ASSERT_TRUE(StartDaemon());

  const grpc::Status refused = Call("CreateJob", Mebibytes(300), GRPC_COMPRESS_GZIP);

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_LT(PeakOfMemory(), 150);
}

TEST_F(LimitsTest, ARequestToAMethodThatIsNotThereIsNotReadAndInTheTrail) {
  ASSERT_TRUE(StartDaemon());

  const grpc::Status refused = Call("Fly", Mebibytes(300));

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(refused.error_message(), AllOf(HasSubstr("no method /distill.v1.JobService/Fly"),
                                             HasSubstr("distillctl version")));
  EXPECT_LT(PeakOfMemory(), 150);
  EXPECT_THAT(AwaitRefusal("/distill.v1.JobService/Fly", "no method", "UNIMPLEMENTED"),
              HasSubstr("\tada (unverified)\t"));
}

#endif

TEST_F(LimitsTest, AUserWhoseFilesTakeTooMuchMustDeleteSome) {
  SetScript("started;artifact best.safetensors;outcome 8 0");  // of 7 bytes
  AddArguments({"--max-disk-bytes-per-user", "6"});
  ASSERT_TRUE(StartDaemon());
  const auto job = Submit(TrainRequest(), "");
  ASSERT_THAT(job, IsOk());
  AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("take 7 bytes"), HasSubstr("max_disk_bytes_per_user: 6"),
                             HasSubstr("delete jobs"))));
  AwaitRefusal("CreateJob", "max_disk_bytes_per_user: 6");
}

TEST_F(LimitsTest, AUserSubmitsOnlySoFast) {
  AddArguments({"--max-submits-per-minute", "2"});
  ASSERT_TRUE(StartDaemon());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());
  ASSERT_THAT(Submit(TrainRequest(), ""), IsOk());

  EXPECT_THAT(Submit(TrainRequest(), ""),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("max_submits_per_minute"), HasSubstr("try again in"))));
  AwaitRefusal("CreateJob", "max_submits_per_minute");
  v1::BatchCreateJobsRequest batch;
  *batch.add_jobs() = TrainRequest();
  EXPECT_EQ(Call("BatchCreateJobs", {grpc::Slice(batch.SerializeAsString())}).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  AwaitRefusal("BatchCreateJobs", "max_submits_per_minute");
}

TEST_F(LimitsTest, OnlySoManyStreamsAreOpenInAll) {
  SetScript("started;wait_term");
  AddArguments({"--max-streams", "1"});
  ASSERT_TRUE(StartDaemon());

  ExpectNoSecondStream(RunOne(), "max_streams: 1", "try again");
}

TEST_F(LimitsTest, AUserHasOnlySoManyStreams) {
  SetScript("started;wait_term");
  AddArguments({"--max-streams-per-user", "1"});
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunOne();

  ExpectNoSecondStream(job, "max_streams_per_user: 1", "end others");

  // The one that was open has ended, and makes room.
  const auto stub = v1::JobService::NewStub(channel());
  v1::WatchJobRequest request;
  request.set_job(job);
  EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    grpc::ClientContext third_context;
    const auto third = stub->WatchJob(&third_context, request);
    v1::WatchJobResponse response;
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

TEST_F(LimitsTest, AWorkersFileThatIsTooLargeIsNotWrittenAndItsJobFails) {
  SetScript("started;large small.ckpt 123456;large last.ckpt 123457;outcome 8 0");
  AddArguments({"--max-artifact-bytes", "123456"});
  ASSERT_TRUE(StartDaemon());
  const auto job = Submit(TrainRequest(), "");
  ASSERT_THAT(job, IsOk());

  AwaitState(job->id(), v1::JOB_STATE_FAILED);

  const auto failed = Get(job->id());
  ASSERT_THAT(failed, IsOk());
  EXPECT_EQ(failed->cause(), v1::CAUSE_STORAGE);
  EXPECT_THAT(failed->message(),
              AllOf(HasSubstr("last.ckpt"), HasSubstr("123456 bytes (max_artifact_bytes"),
                    HasSubstr("ask an admin")));
  EXPECT_TRUE(std::filesystem::exists(RunDirectory(job->id(), 1) / "small.ckpt"));
  EXPECT_FALSE(std::filesystem::exists(RunDirectory(job->id(), 1) / "last.ckpt"));
}

}  // namespace
}  // namespace distill::testing
