#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job_service.pb.h"
#include "server/worker/process.h"
#include "tests/temp_dir.h"

namespace grpc {
class Channel;
class ChannelInterface;
}  // namespace grpc

namespace distill::testing {

/// How often a test that kills goes around: `usual`, or DISTILL_CRASH_CYCLES where that is set.
int NumCycles(int usual);

/// The real distilld with a scripted worker (tests/fakes/fake_worker.cc) and a READY data set
/// "birds", in a folder of its own. It keeps its port over restarts. Owned by one thread, but for
/// the calls to the server.
class CrashLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// What every worker started from now on plays.
  void SetScript(const std::string& script);

  /// Adds to the arguments of every distilld started from now on.
  void AddArguments(const std::vector<std::string>& arguments);

  /// Starts distilld, with DISTILL_FAULT=`fault` where that is not empty. Returns whether it
  /// serves; without a fault it must.
  bool StartDaemon(const std::string& fault = "");
  /// Sends `signal` to the daemon (0 = none) and waits until it is gone. Returns its exit code, or
  /// 128 + the signal that ended it.
  int EndDaemon(int signal);
  pid_t daemon() const { return daemon_.pid; }
  const std::string& address() const { return address_; }

  /// Calls, with a deadline of their own. kUnavailable: the daemon is gone.
  Result<v1::Job> Submit(const v1::Job& job, const std::string& request_id);
  Result<v1::Job> Get(const std::string& job);
  Result<v1::Job> Cancel(const std::string& job);
  Result<std::vector<v1::Job>> ListAll();
  Result<v1::ListMetricsResponse> Metrics(const std::string& job);

  /// Waits until a job is in `state`; fails the test when it does not come to that.
  void AwaitState(const std::string& job, v1::JobState state);
  /// Waits until `file` exists and holds something; returns that.
  std::string AwaitFile(const std::filesystem::path& file);
  /// Returns the content of the daemon's log.
  std::string DaemonLog();

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path state() const { return folder() / "state"; }
  std::filesystem::path RunDirectory(const std::string& job, int attempt) const;

 private:
  TempDir folder_;
  server::WorkerProcess daemon_;
  std::string address_ = "127.0.0.1:0";
  std::vector<std::string> more_arguments_;
  std::shared_ptr<grpc::Channel> channel_;
};

/// Returns a right request for a training job with a label that tells it apart.
v1::Job TrainRequest(const std::string& label = "");

/// Returns the processes that work in `folder` or below it (zombies left out).
std::vector<pid_t> ProcessesIn(const std::filesystem::path& folder);

}  // namespace distill::testing
