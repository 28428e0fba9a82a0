#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"
#include "server/worker/process.h"
#include "tests/temp_dir.h"

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace distill::testing {

/// How long a test waits for what must come.
constexpr std::chrono::seconds kLimit{60};

/// What the health service says (grpc.health.v1.HealthCheckResponse.ServingStatus).
constexpr int kServing = 1;
constexpr int kNotServing = 2;

/// How often a test that kills goes around: `usual`, or DISTILL_CRASH_CYCLES where that is set.
int NumCycles(int usual);

/// The seed of a test that kills at random: `usual`, or DISTILL_CRASH_SEED where that is set. A
/// long run can be cut into shorter ones with a seed each.
unsigned Seed(unsigned usual);

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
  /// Sets a variable of every distilld started from now on.
  void AddDaemonVariable(const std::string& name, const std::string& value);
  /// Moves the wall clock of every daemon, the running one too, by so many seconds from the real
  /// time. False: this build cannot (sanitizers).
  bool SetClock(int seconds);
  /// How the test's calls go to every daemon started from now on, instead of in plain text.
  void UseCredentials(std::shared_ptr<grpc::ChannelCredentials> credentials);
  /// The token of all calls below; "" = none.
  void set_token(const std::string& token) { token_ = token; }
  void set_stop_grace_seconds(int seconds) { stop_grace_seconds_ = seconds; }
  /// Where the state lies from now on, instead of folder()/state. Makes the data set there.
  void MoveState(const std::filesystem::path& state);

  /// Starts distilld, with DISTILL_FAULT=`fault` where that is not empty. Returns whether it
  /// serves; without a fault it must.
  bool StartDaemon(const std::string& fault = "");
  /// Sends `signal` to the daemon (0 = none) and waits until it is gone. With a signal, no call may
  /// be under way: the channel goes first. Returns its exit code, or 128 + the signal that ended
  /// it.
  int EndDaemon(int signal);
  pid_t daemon() const { return daemon_.pid; }
  const std::string& address() const { return address_; }

  /// Calls, with a deadline of their own. kUnavailable: the daemon is gone.
  Result<v1::Job> Submit(const v1::Job& job, const std::string& request_id);
  Result<v1::Job> Get(const std::string& job);
  Result<v1::Job> Cancel(const std::string& job);
  Result<v1::Job> Pause(const std::string& job);
  Result<v1::Job> Resume(const std::string& job);
  Result<v1::ServerInfo> Info();
  /// Returns what the server says ails it, in its info or in its refusal of that; "" = nothing.
  std::string Trouble();
  /// Returns the health check's answer: 1 = SERVING, 2 = NOT_SERVING, 0 = none.
  int Health();
  /// Returns the ids of the jobs that hold the device, "?" when the server does not tell.
  std::string HoldersOfTheDevice();
  Result<std::vector<v1::Job>> ListAll();
  Result<v1::ListMetricsResponse> Metrics(const std::string& job);

  /// Waits until a job is in `state`; fails the test when it does not come to that.
  void AwaitState(const std::string& job, v1::JobState state);
  /// Waits until `file` exists and holds something; returns that.
  std::string AwaitFile(const std::filesystem::path& file);
  /// Runs distillctl against the daemon; what it prints is appended to `output`. Returns its exit
  /// code.
  int Ctl(std::vector<std::string> arguments, const std::filesystem::path& output);
  /// Runs `distilld VERB` on the state folder; else as Ctl.
  int Admin(std::vector<std::string> arguments, const std::filesystem::path& output);
  /// Waits until a worker of the job has written its pid, and returns that.
  pid_t AwaitWorker(const std::string& job, int attempt = 1);
  /// Returns the content of the daemon's log.
  std::string DaemonLog();

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path state() const { return state_.empty() ? folder() / "state" : state_; }
  std::filesystem::path RunDirectory(const std::string& job, int attempt) const;

 private:
  TempDir folder_;
  std::filesystem::path state_;
  int stop_grace_seconds_ = 1;
  std::string token_;
  std::vector<std::pair<std::string, std::string>> variables_;
  server::WorkerProcess daemon_;
  std::string address_ = "127.0.0.1:0";
  std::shared_ptr<grpc::ChannelCredentials> credentials_;  // null: plain text
  std::vector<std::string> more_arguments_;
  std::shared_ptr<grpc::Channel> channel_;
};

/// Returns a right request for a training job with a label that tells it apart.
v1::Job TrainRequest(const std::string& label = "");

/// Returns the processes that work in `folder` or below it (zombies left out).
std::vector<pid_t> ProcessesIn(const std::filesystem::path& folder);

}  // namespace distill::testing
