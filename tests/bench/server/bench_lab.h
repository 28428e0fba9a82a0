#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "distill/v1/job_service.grpc.pb.h"
#include "server/worker/process.h"
#include "tests/temp_dir.h"

namespace distill::bench {

/// The real distilld with scripted workers, sixteen pretended GPUs and a READY data set "birds", in
/// a folder of its own. What goes wrong ends the program. Owned by one thread, but for the stubs.
class BenchLab {
 public:
  static constexpr int kNumGpus = 16;

  BenchLab();
  ~BenchLab();
  BenchLab(const BenchLab&) = delete;
  BenchLab& operator=(const BenchLab&) = delete;

  /// What every worker started from now on plays (tests/fakes/fake_worker.cc).
  void SetScript(const std::string& script);

  /// Starts distilld and returns the milliseconds from its start until its health is SERVING.
  double Start();
  /// Ends it by `signal` and waits until it is gone; its workers go on.
  void Stop(int signal);
  /// Returns the resident memory of distilld in MiB.
  double MemoryMiB() const;

  /// Returns a channel of its own, as another client has.
  std::shared_ptr<grpc::Channel> NewChannel() const;
  v1::JobService::Stub& jobs() { return *jobs_; }

  /// Submits a job and returns its id.
  std::string Submit();
  v1::JobState StateOf(const std::string& job);
  /// Waits until `condition` holds, a minute at most.
  static void Await(const std::string& what, const std::function<bool()>& condition);
  /// Makes the file `name` in the run folder of a job's first attempt.
  void Touch(const std::string& job, const std::string& name) const;

  std::filesystem::path state() const { return folder_.path() / "state"; }

 private:
  testing::TempDir folder_;
  server::WorkerProcess daemon_;
  std::string address_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

/// A request for a job as distillctl sends it, with a request id of its own. Thread-safe.
v1::CreateJobRequest TrainRequest();

/// A UUID that was not given before. Thread-safe.
std::string NewUuid();

std::unique_ptr<grpc::ClientContext> Context();

/// Ends the program with a message where `status` is an error.
void Check(const grpc::Status& status, const std::string& what);

}  // namespace distill::bench
