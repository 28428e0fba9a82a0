#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/app/daemon.h"
#include "server/store/sqlite_job_store.h"
#include "tests/eventually.h"
#include "tests/fakes/birds_dataset.h"
#include "tests/fakes/fake_gpus.h"
#include "tests/integration/test_server.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;

constexpr const char* kUuid = "GPU-aaaaaaaa-0000-0000-0000-000000000000";
constexpr int64_t kGib = int64_t{1} << 30;

// The whole daemon in this process on a GPU of 24 GiB, with workers that run until they are let go.
class GpuSharingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.listen = "127.0.0.1:0";
    config_.state_dir = folder_.path() / "state";
    config_.dataset_roots = {folder_.path()};
    config_.weights_roots = {folder_.path()};
    config_.weights_dir = folder_.path();
    config_.worker_executable = folder_.path() / "worker";
    config_.worker_threads = 1;
    config_.nvml_library = DISTILL_FAKE_NVML;
    std::filesystem::create_symlink(DISTILL_FAKE_WORKER, config_.worker_executable);
    std::ofstream(folder_.path() / "worker.script") << "started;wait go;outcome 8 0";
    SqliteJobStoreOptions options;
    options.state_directory = config_.state_dir;
    ASSERT_OK(testing::AddBirds(*OpenSqliteJobStore(options, SystemClock()).value()));
    const std::filesystem::path manifest = config_.state_dir / "datasets/1/manifest.csv";
    std::filesystem::create_directories(manifest.parent_path());
    std::ofstream(manifest) << "path,class,split\n";
    SetOutsiders({});
    auto daemon = Daemon::Start(config_, SystemClock());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = std::move(daemon).value();
    const auto channel =
        grpc::CreateChannel(daemon_->address(), grpc::InsecureChannelCredentials());
    jobs_ = v1::JobService::NewStub(channel);
    server_ = v1::ServerService::NewStub(channel);
  }

  void TearDown() override {
    // No worker may outlive the test.
    for (const auto& run : std::filesystem::directory_iterator(config_.state_dir / "runs")) {
      std::ofstream(run.path() / "1" / "go") << "go";
    }
    for (const std::string& id : running_) WaitFor(id, v1::JOB_STATE_SUCCEEDED);
  }

  void SetOutsiders(const std::vector<std::string>& processes) {
    std::vector<std::string> facts = {std::string("gpu ") + kUuid + " 24576 0 50 60 Fake GPU"};
    facts.insert(facts.end(), processes.begin(), processes.end());
    gpus_.Set(facts);
  }

  std::string Submit(const std::string& name, int64_t gib) {
    v1::CreateJobRequest request;
    *request.mutable_job() = MakeTrainJob(name);
    request.mutable_job()->mutable_resources()->set_gpu_memory_bytes(gib * kGib);
    v1::Job job;
    const grpc::Status status = jobs_->CreateJob(Context().get(), request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.id();
  }

  bool WaitFor(const std::string& id, v1::JobState state) {
    v1::GetJobRequest request;
    request.set_job(id);
    return testing::Eventually(kDeadline, [&] {
      v1::Job job;
      return jobs_->GetJob(Context().get(), request, &job).ok() && job.state() == state;
    });
  }

  bool Runs(const std::string& id) {
    running_.push_back(id);
    return WaitFor(id, v1::JOB_STATE_RUNNING);
  }

  v1::Waiting WaitingOf(const std::string& id) {
    v1::ExplainJobRequest request;
    request.set_job(id);
    v1::ExplainJobResponse response;
    EXPECT_TRUE(jobs_->ExplainJob(Context().get(), request, &response).ok());
    return response.waiting();
  }

  testing::TempDir folder_;
  testing::FakeGpus gpus_{folder_.path() / "gpus"};
  Config config_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::ServerService::Stub> server_;
  std::vector<std::string> running_;
};

TEST_F(GpuSharingTest, JobsShareAGpuAsFarAsTheirDeclaredMemoryGoes) {
  const std::string first = Submit("first", 11);
  const std::string second = Submit("second", 11);
  ASSERT_TRUE(Runs(first));
  ASSERT_TRUE(Runs(second));
  const std::string third = Submit("third", 2);

  ASSERT_TRUE(testing::Eventually(
      kDeadline, [&] { return WaitingOf(third).rule() == v1::WAITING_RULE_MEMORY; }));
  EXPECT_EQ(WaitingOf(third).holders_size(), 2);

  v1::ListDevicesResponse devices;
  ASSERT_TRUE(server_->ListDevices(Context().get(), {}, &devices).ok());
  ASSERT_EQ(devices.devices(0).jobs_size(), 2);
  EXPECT_EQ(devices.devices(0).jobs(0).gpu_memory_bytes(), 11 * kGib);

  std::ofstream(config_.state_dir / "runs" / first / "1" / "go") << "go";
  EXPECT_TRUE(Runs(third)) << "what the first one held is free";
}

TEST_F(GpuSharingTest, WorkerIsToldItsShareAndItsGpu) {
  const std::string id = Submit("first", 11);
  ASSERT_TRUE(Runs(id));

  const auto spec =
      nlohmann::json::parse(std::ifstream(config_.state_dir / "runs" / id / "1" / "spec.json"));

  EXPECT_EQ(spec["device"], "cuda:0");
  EXPECT_EQ(spec["gpu_memory_bytes"], std::to_string(11 * kGib));
}

TEST_F(GpuSharingTest, MemoryOfOutsidersIsNotGivenOut) {
  // Process 1 is no worker of this daemon.
  SetOutsiders({std::string("process ") + kUuid + " 1 16384"});
  const std::string id = Submit("first", 11);

  ASSERT_TRUE(testing::Eventually(kDeadline,
                                  [&] { return WaitingOf(id).rule() == v1::WAITING_RULE_MEMORY; }));
  EXPECT_THAT(WaitingOf(id).reason(), HasSubstr("processes that this server did not start"));
  v1::ListDevicesResponse devices;
  ASSERT_TRUE(server_->ListDevices(Context().get(), {}, &devices).ok());
  EXPECT_EQ(devices.devices(0).foreign_memory_bytes(), 16 * kGib);

  SetOutsiders({});
  EXPECT_TRUE(Runs(id));
}

}  // namespace
}  // namespace distill::server
