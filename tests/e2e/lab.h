#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/temp_dir.h"

namespace distill::testing {

/// What a program left.
struct Finished {
  int exit_code = -1;  // 128 + signal when one ended it
  std::string out;
  std::string err;
};

/// The three real programs in a folder of their own, with a small data set. A failed expectation
/// shows the daemon's log. Owned by one thread.
class Lab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts distilld on a free port and waits until it serves.
  void StartDaemon();
  /// Further flags of the daemon, from the next start on.
  void SetDaemonFlags(std::vector<std::string> flags) { daemon_flags_ = std::move(flags); }
  /// Makes workers run with DISTILL_FAULT=`fault` (core/base/fault_point.h), from the daemon's next
  /// start on.
  void SetWorkerFault(const std::string& fault);
  /// Sends `signal` to the daemon and waits until it is gone. Returns its exit code.
  int EndDaemon(int signal);

  /// Runs distillctl to its end.
  Finished Ctl(const std::vector<std::string>& arguments);
  /// The same; a failure fails the test. Returns what it printed on standard output.
  std::string CtlOk(const std::vector<std::string>& arguments);

  /// Submits the training of a small model on the small set.
  void Train(const std::string& name, const std::string& model, int epochs,
             const std::vector<std::string>& more = {});
  /// Returns all about a job.
  nlohmann::json Job(const std::string& name);
  std::string State(const std::string& name);
  int EpochsDone(const std::string& name);
  /// Returns the process of the job's newest attempt.
  pid_t WorkerPid(const std::string& name);
  /// Waits until the worker of the job's attempt, from 1, stands still at a fault point, and lets
  /// `act` happen meanwhile; then it goes on.
  void WhileStopped(const std::string& name, size_t attempt, const std::function<void()>& act);
  /// Waits until the job has done `epochs`; the job must not have ended before.
  void AwaitEpoch(const std::string& name, int epochs);
  /// Waits until the job has ended and expects success.
  void AwaitSuccess(const std::string& name);
  /// Returns the folder of an attempt, from 1.
  std::filesystem::path RunDirectory(const std::string& name, size_t attempt);
  /// Returns all tensors of the last weights of a job that has ended: what follows the header of
  /// the file, which names the job.
  std::string TensorsOf(const std::string& name);
  /// Returns the epoch of every stored point of a metric, in the order of the server.
  std::vector<int> EpochsOf(const std::string& name, const std::string& metric);

  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TempDir folder_;
  std::string address_;
  pid_t daemon_ = -1;
  std::vector<std::string> daemon_flags_;
  std::filesystem::path worker_;  // the program
  std::set<pid_t> workers_;       // all that were seen
};

/// Returns 1, 2, … count.
std::vector<int> CountTo(int count);

/// Returns true while a process with this pid runs (a zombie does not).
bool IsRunning(pid_t pid);

}  // namespace distill::testing
