// Streams across the end of a daemon.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <csignal>
#include <sstream>
#include <thread>

#include "distill/v1/job_service.grpc.pb.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::Each;

using Streams = CrashLab;

TEST_F(Streams, LogsFollowedAcrossKillsAndRestartsAreTheFileByteForByte) {
  SetScript("started;lines 1500;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitWorker(job);
  const std::filesystem::path followed = folder() / "followed.log";
  server::SpawnRequest request;
  request.executable = DISTILLCTL;
  request.arguments = {"--server", address(), "logs", "-f", job};
  request.working_directory = "/";
  request.output_file = followed;
  const auto follower = server::Spawn(request);
  ASSERT_TRUE(follower.ok());
  ASSERT_TRUE(Eventually(kLimit, [&] { return !ContentOf(followed).empty(); }));
  for (const int signal : {SIGKILL, SIGTERM}) {
    EndDaemon(signal);
    ASSERT_TRUE(StartDaemon());
    const size_t before = ContentOf(followed).size();
    ASSERT_TRUE(Eventually(kLimit, [&] {
      return ContentOf(followed).size() > before || Get(job)->state() == v1::JOB_STATE_SUCCEEDED;
    }));
  }

  AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(AwaitExit(follower->pid), 0) << ContentOf(followed);

  std::string text = ContentOf(followed);
  const std::string file = ContentOf(RunDirectory(job, 1) / "worker.log");
  ASSERT_GT(file.size(), 0U);
  // The client's own words are on standard error, which lies in the same file here.
  std::string lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("distillctl: ", 0) != 0) lines += line + "\n";
  }
  EXPECT_EQ(lines, file);
}

TEST_F(Streams, SigtermEndsOpenStreamsAndLosesNoAcknowledgedSubmit) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest("first"), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const auto stub = v1::JobService::NewStub(channel());
  constexpr int kWatchers = 20;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>>> watches;
  v1::WatchJobRequest request;
  request.set_job(job);
  for (int i = 0; i < kWatchers; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    watches.push_back(stub->WatchJob(contexts.back().get(), request));
    v1::WatchJobResponse response;
    EXPECT_TRUE(i % 2 == 0 || watches.back()->Read(&response));  // the others never read
  }
  std::atomic<bool> is_over = false;
  std::vector<std::string> acknowledged;
  std::thread submitter([&] {
    while (!is_over) {
      const auto submitted = Submit(TrainRequest("more"), "");
      if (!submitted.ok()) return;
      acknowledged.push_back(submitted->id());
    }
  });
  Eventually(std::chrono::milliseconds(100), [] { return false; });

  ::kill(daemon(), SIGTERM);
  EXPECT_EQ(EndDaemon(0), 0);

  is_over = true;
  submitter.join();
  std::vector<grpc::StatusCode> ends;
  for (auto& watch : watches) {
    v1::WatchJobResponse response;
    while (watch->Read(&response)) {
    }
    ends.push_back(watch->Finish().error_code());
  }
  EXPECT_THAT(ends, Each(grpc::StatusCode::UNAVAILABLE));
  ASSERT_TRUE(StartDaemon());
  // One more may have been stored without its answer having come through.
  EXPECT_LE(ListAll()->size(), acknowledged.size() + 2);
  for (const std::string& id : acknowledged) EXPECT_TRUE(Get(id).ok()) << id;
  EXPECT_EQ(Get(job)->state(), v1::JOB_STATE_RUNNING);
}

}  // namespace
}  // namespace distill::testing
