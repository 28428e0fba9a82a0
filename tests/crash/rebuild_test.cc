#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <csignal>
#include <fstream>

#include "distill/v1/job_service.grpc.pb.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kRequestId[] = "00000000-0000-0000-0000-000000000001";

class Rebuild : public CrashLab {
 protected:
  void LoseDatabases() {
    for (const char* name : {"control.db", "metrics.db"}) {
      for (const char* end : {"", "-wal", "-shm"}) {
        std::filesystem::remove(state() / (std::string(name) + end));
      }
    }
  }

  int RunRebuild() { return Admin({"rebuild"}, folder() / "rebuild.out"); }

  // All that the server tells of a job.
  std::string TextOf(const std::string& job) {
    const auto stub = v1::JobService::NewStub(channel());
    std::string text = Get(job)->DebugString() + Metrics(job)->DebugString();
    grpc::ClientContext for_events;
    v1::ListJobEventsRequest events_request;
    events_request.set_job(job);
    v1::ListJobEventsResponse events;
    EXPECT_TRUE(stub->ListJobEvents(&for_events, events_request, &events).ok());
    grpc::ClientContext for_artifacts;
    v1::ListArtifactsRequest artifacts_request;
    artifacts_request.set_job(job);
    v1::ListArtifactsResponse artifacts;
    EXPECT_TRUE(stub->ListArtifacts(&for_artifacts, artifacts_request, &artifacts).ok());
    return text + events.DebugString() + artifacts.DebugString();
  }

  std::string RunToItsEnd(const std::string& script) {
    SetScript(script);
    const auto job = Submit(TrainRequest(script.substr(0, 3)), "");
    EXPECT_TRUE(job.ok()) << job.status().ToString();
    AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
    return job->id();
  }
};

TEST_F(Rebuild, GivesBackWhatBothDatabasesHeld) {
  ASSERT_TRUE(StartDaemon());
  const std::string plain = RunToItsEnd(
      "started;epoch 1 0.5;notice a word;warning of it;artifact last.ckpt;epoch 2 0.75;"
      "artifact best.safetensors;outcome 8 0 done");
  SetScript("started;epoch 1 0.5;kill");
  const std::string twice = Submit(TrainRequest("twice"), "")->id();
  AwaitWorker(twice);
  SetScript("started 1;epoch 2 0.6;outcome 8 0");
  AwaitState(twice, v1::JOB_STATE_SUCCEEDED);
  SetScript("started;epoch 1 0.25;wait go;epoch 2 0.5;outcome 8 0");
  const std::string running = Submit(TrainRequest("running"), "")->id();
  AwaitState(running, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(running);
  const std::string queued = Submit(TrainRequest("queued"), kRequestId)->id();
  const std::string plain_before = TextOf(plain);
  const std::string twice_before = TextOf(twice);
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
  LoseDatabases();
  ASSERT_TRUE(StartDaemon());
  EXPECT_THAT(Trouble(), HasSubstr("missing"));
  EXPECT_EQ(RunRebuild(), 1) << "a daemon runs";
  EndDaemon(SIGTERM);

  ASSERT_EQ(RunRebuild(), 0) << ContentOf(folder() / "rebuild.out");

  EXPECT_THAT(ContentOf(folder() / "rebuild.out"), Not(HasSubstr("lost:")));
  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(TextOf(plain), plain_before);
  EXPECT_EQ(TextOf(twice), twice_before);
  EXPECT_EQ(Get(running)->state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Get(running)->attempts(0).pid(), worker);
  EXPECT_EQ(Submit(TrainRequest("queued"), kRequestId)->id(), queued);
  EXPECT_THAT(*ListAll(), SizeIs(4));
  std::ofstream(RunDirectory(running, 1) / "go") << "";
  AwaitState(running, v1::JOB_STATE_SUCCEEDED);
}

TEST_F(Rebuild, KnowsAJobThatWasAcknowledgedInTheMomentOfTheKill) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  AwaitState(Submit(TrainRequest("blocker"), "")->id(), v1::JOB_STATE_RUNNING);
  std::vector<std::string> acknowledged;
  for (int i = 0; i < 3; ++i) acknowledged.push_back(Submit(TrainRequest("new"), "")->id());
  EndDaemon(SIGKILL);
  LoseDatabases();

  ASSERT_EQ(RunRebuild(), 0) << ContentOf(folder() / "rebuild.out");

  ASSERT_TRUE(StartDaemon());
  for (const std::string& id : acknowledged) EXPECT_EQ(Get(id)->state(), v1::JOB_STATE_QUEUED);
  AwaitState("1", v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Get("1")->attempts_size(), 1);
}

TEST_F(Rebuild, DoesNotBringBackADeletedJobNorTouchWholeDatabases) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunToItsEnd("started;outcome 8 0");
  ASSERT_EQ(Ctl({"delete", job}, folder() / "ctl.out"), 0) << ContentOf(folder() / "ctl.out");
  EndDaemon(SIGTERM);
  ASSERT_EQ(RunRebuild(), 0);
  EXPECT_THAT(ContentOf(folder() / "rebuild.out"), HasSubstr("whole"));
  ASSERT_EQ(Admin({"rebuild", "--all"}, folder() / "all.out"), 0)
      << ContentOf(folder() / "all.out");

  ASSERT_TRUE(StartDaemon());

  EXPECT_THAT(*ListAll(), SizeIs(0));
  SetScript("started;outcome 8 0");
  EXPECT_NE(Submit(TrainRequest(), "")->id(), "");
}

TEST_F(Rebuild, OfTheMetricsAloneReadsTheJournals) {
  ASSERT_TRUE(StartDaemon());
  const std::string job = RunToItsEnd("started;epoch 1 0.5;epoch 2 0.75;outcome 8 0");
  const std::string before = TextOf(job);
  EndDaemon(SIGTERM);
  std::ofstream(state() / "metrics.db") << std::string(8192, 'x');

  ASSERT_EQ(RunRebuild(), 0) << ContentOf(folder() / "rebuild.out");

  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(TextOf(job), before);
}

using Doctor = CrashLab;

TEST_F(Doctor, FindsNothingWrongBesideARunningDaemonAndThenEachOrphan) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job);
  EXPECT_EQ(Admin({"doctor"}, folder() / "well.out"), 0) << ContentOf(folder() / "well.out");
  EXPECT_THAT(ContentOf(folder() / "well.out"), HasSubstr("workers       1, each has its job"));
  EndDaemon(SIGTERM);
  std::filesystem::create_directories(state() / "runs" / "77" / "1");
  SQLite::Database((state() / "control.db").string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE job SET state = 9");

  EXPECT_EQ(Admin({"doctor", "--json"}, folder() / "ill.out"), 1);

  const std::string found = ContentOf(folder() / "ill.out");
  EXPECT_THAT(found, HasSubstr("without a job in the database: "));
  EXPECT_THAT(found, HasSubstr("77"));
  EXPECT_THAT(found, HasSubstr("processes without a job that runs: " + std::to_string(worker)));
  EXPECT_THAT(found, HasSubstr("\"level\": \"error\""));
}

}  // namespace
}  // namespace distill::testing
