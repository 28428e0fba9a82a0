#include "tests/integration/test_server.h"

#include <grpc/grpc.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/clock.h"
#include "server/store/sqlite_job_store.h"
#include "tests/eventually.h"
#include "tests/fakes/birds_dataset.h"
#include "tests/guard/guard_folder.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {}  // namespace

std::vector<DeviceInfo> FakeDeviceCatalog::List() {
  DeviceInfo cpu;
  cpu.id = "cpu";
  cpu.name = "a processor";
  return {cpu};
}

Result<LaunchRequest> ScriptedRunPreparer::PrepareJob(const JobRecord& job,
                                                      const AttemptRecord& attempt,
                                                      const std::vector<AttemptRecord>& earlier) {
  Result<LaunchRequest> request = preparer_.PrepareJob(job, attempt, earlier);
  if (request.ok()) request->environment.emplace_back("DISTILL_FAKE_SCRIPT", script_);
  return request;
}

Result<LaunchRequest> ScriptedRunPreparer::PrepareScan(const DatasetRecord& dataset) {
  Result<LaunchRequest> request = preparer_.PrepareScan(dataset);
  if (request.ok()) request->environment.emplace_back("DISTILL_FAKE_SCRIPT", script_);
  return request;
}

std::filesystem::path ScriptedRunPreparer::RunDirectory(JobId job, int attempt) const {
  return preparer_.RunDirectory(job, attempt);
}

std::filesystem::path ScriptedRunPreparer::JobDirectory(JobId job) const {
  return preparer_.JobDirectory(job);
}

std::filesystem::path ScriptedRunPreparer::DatasetDirectory(int64_t dataset) const {
  return preparer_.DatasetDirectory(dataset);
}

TestServer::TestServer(const AccessGateOptions& access, const TlsFiles& tls, JobId last_job,
                       const ConnectionLimits& connections)
    : files_({{directory_.path()}, {directory_.path()}, directory_.path()}) {
  // For good: else gRPC ends with the last channel of each test, and waits up to ten seconds for a
  // thread of its own where a large request was sent.
  [[maybe_unused]] static const bool is_grpc_kept = (::grpc_init(), true);
  testing::GuardFolder(directory_.path());
  const std::filesystem::path state = directory_.path() / "state";
  SqliteJobStoreOptions store;
  store.state_directory = state;
  if (last_job > 0) {
    EXPECT_OK(OpenSqliteStores(store, SystemClock()));
    std::filesystem::create_directories(state / "runs" / std::to_string(last_job));
  }
  SqliteStores stores = std::move(OpenSqliteStores(store, SystemClock())).value();
  store_ = std::move(stores.jobs);
  access_store_ = std::move(stores.access);
  gate_ = std::make_unique<AccessGate>(access, *access_store_, access_clock_);
  audit_ = std::make_unique<AuditLog>(AuditLogOptions(), *access_store_, access_clock_);
  EXPECT_OK(testing::AddBirds(*store_));
  preparer_ = std::make_unique<ScriptedRunPreparer>(state, *store_);
  const std::filesystem::path manifest = preparer_->DatasetDirectory(1) / "manifest.csv";
  std::filesystem::create_directories(manifest.parent_path());
  std::ofstream(manifest) << "path,class,split\n";
  ProcessWorkerLauncherOptions launcher;
  launcher.executable = DISTILL_FAKE_WORKER;
  launcher_ = std::move(ProcessWorkerLauncher::Create(launcher)).value();
  manager_ =
      JobManager::Create({}, {*store_, *launcher_, *preparer_, devices_, events_, SystemClock()});
  EXPECT_OK(manager_->Start());
  RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  options.facts.version = "test";
  options.tls = tls;
  options.connections = connections;
  server_ =
      std::move(
          RpcServer::Start(
              options,
              {{*store_, *manager_, *preparer_, events_, files_, SystemClock()}, *gate_, *audit_}))
          .value();
  channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                 grpc::InsecureChannelCredentials());
  jobs_ = v1::JobService::NewStub(channel_);
  datasets_ = v1::DatasetService::NewStub(channel_);
  server_stub_ = v1::ServerService::NewStub(channel_);
  users_ = v1::UserService::NewStub(channel_);
}

TestServer::~TestServer() {
  // Workers outlive the daemon by design: end those that the test left.
  const std::vector<JobRecord> left = store_->ListActiveJobs().value();
  for (const JobRecord& job : left) {
    static_cast<void>(manager_->Cancel(job.id, "test").ok());
  }
  const std::vector<DatasetRecord> datasets = store_->ListDatasets().value();
  for (const DatasetRecord& dataset : datasets) {
    if (dataset.state != DatasetState::kScanning) continue;
    static_cast<void>(manager_->DeleteDataset(dataset.name).ok());
  }
  testing::Eventually(kDeadline, [&] {
    const Result<std::vector<JobRecord>> active = store_->ListActiveJobs();
    return active.ok() && active->empty();
  });
  StopServing();
  manager_->Stop();
}

void TestServer::LetGo(const std::string& job, int attempt) {
  std::ofstream(preparer_->RunDirectory(std::stoll(job), attempt) / "go") << "";
}

bool TestServer::WaitForState(const std::string& job, v1::JobState state) {
  v1::GetJobRequest request;
  request.set_job(job);
  return testing::Eventually(kDeadline, [&] {
    v1::Job found;
    return jobs_->GetJob(Context().get(), request, &found).ok() && found.state() == state;
  });
}

void TestServer::StopServing() { server_->Stop(std::chrono::seconds(2)); }

std::unique_ptr<grpc::ClientContext> Context(const std::string& user) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kDeadline);
  // A connection that fails on a busy machine is tried again.
  context->set_wait_for_ready(true);
  context->AddMetadata("distill-user", user);
  return context;
}

v1::Job MakeTrainJob(const std::string& name) {
  v1::Job job;
  job.set_name(name);
  job.mutable_train()->set_dataset("birds");
  job.mutable_train()->set_model("mobilenetv2");
  job.mutable_train()->set_epochs(2);
  return job;
}

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) return info.domain() == "distilld" ? info.reason() : "";
  }
  return "";
}

std::vector<std::string> FieldsOf(const grpc::Status& status) {
  google::rpc::Status details;
  std::vector<std::string> fields;
  if (!details.ParseFromString(status.error_details())) return fields;
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest request;
    if (!detail.UnpackTo(&request)) continue;
    for (const auto& violation : request.field_violations()) fields.push_back(violation.field());
  }
  return fields;
}

}  // namespace distill::server
