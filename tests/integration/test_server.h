#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "distill/v1/dataset_service.grpc.pb.h"
#include "distill/v1/job_service.grpc.pb.h"
#include "distill/v1/server_service.grpc.pb.h"
#include "distill/v1/user_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "server/access/access_gate.h"
#include "server/access/access_store.h"
#include "server/access/audit_log.h"
#include "server/job/job_events.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/rpc/rpc_server.h"
#include "server/spec/worker_run_preparer.h"
#include "server/worker/process_worker_launcher.h"
#include "tests/fakes/fake_clock.h"
#include "tests/temp_dir.h"

namespace distill::server {

/// How long a test waits for what must come, and a call for its answer.
constexpr std::chrono::seconds kDeadline{40};

/// One CPU.
class FakeDeviceCatalog final : public DeviceCatalog {
 public:
  std::vector<DeviceInfo> List() override;
};

/// Gives every worker the script that the test chose.
class ScriptedRunPreparer final : public RunPreparer {
 public:
  ScriptedRunPreparer(std::filesystem::path state, JobStore& store)
      : preparer_({std::move(state), /*worker_threads=*/1}, store) {}

  /// Set before jobs start. See tests/fakes/fake_worker.cc.
  void set_script(std::string script) { script_ = std::move(script); }

  Result<LaunchRequest> PrepareJob(const JobRecord& job, const AttemptRecord& attempt,
                                   const std::vector<AttemptRecord>& earlier) override;
  Result<LaunchRequest> PrepareScan(const DatasetRecord& dataset) override;
  std::filesystem::path RunDirectory(JobId job, int attempt) const override;
  std::filesystem::path JobDirectory(JobId job) const override;
  std::filesystem::path DatasetDirectory(int64_t dataset) const override;

 private:
  WorkerRunPreparer preparer_;
  std::string script_ = "started;wait go;outcome 8 0";
};

/// The daemon's services over real gRPC on a free port, with a store on disk, the real launcher and
/// scripted workers, and a READY data set "birds".
class TestServer {
 public:
  /// The first job gets the number `last_job` + 1.
  explicit TestServer(const AccessGateOptions& access = {}, const TlsFiles& tls = {},
                      JobId last_job = 0, const ConnectionLimits& connections = {});
  ~TestServer();

  /// Lets the worker of an attempt go on from `wait go`.
  void LetGo(const std::string& job, int attempt = 1);

  /// Waits until a job is in a state; returns whether it came to that.
  bool WaitForState(const std::string& job, v1::JobState state);

  /// Ends the server as the daemon does.
  void StopServing();

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::DatasetService::Stub& datasets() { return *datasets_; }
  v1::ServerService::Stub& server() { return *server_stub_; }
  v1::UserService::Stub& users() { return *users_; }
  ScriptedRunPreparer& preparer() { return *preparer_; }
  JobStore& store() { return *store_; }
  JobManager& manager() { return *manager_; }
  AccessStore& access_store() { return *access_store_; }
  AuditLog& audit() { return *audit_; }
  testing::FakeClock& access_clock() { return access_clock_; }
  int port() const { return server_->port(); }
  const std::filesystem::path& folder() const { return directory_.path(); }

 private:
  testing::TempDir directory_;
  FileLocator files_;
  FakeDeviceCatalog devices_;
  JobEvents events_;
  testing::FakeClock access_clock_;  // of tokens and the audit trail
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<AccessStore> access_store_;
  std::unique_ptr<AccessGate> gate_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<ScriptedRunPreparer> preparer_;
  std::unique_ptr<ProcessWorkerLauncher> launcher_;
  std::unique_ptr<JobManager> manager_;
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::DatasetService::Stub> datasets_;
  std::unique_ptr<v1::ServerService::Stub> server_stub_;
  std::unique_ptr<v1::UserService::Stub> users_;
};

/// Returns a context with a deadline, and the caller's name.
std::unique_ptr<grpc::ClientContext> Context(const std::string& user = "ada");

/// Returns a right request for a training job.
v1::Job MakeTrainJob(const std::string& name);

/// Returns the reason of the ErrorInfo that `status` carries, or "".
std::string ReasonOf(const grpc::Status& status);

/// Returns the fields of the BadRequest that `status` carries.
std::vector<std::string> FieldsOf(const grpc::Status& status);

}  // namespace distill::server
