#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "server/worker/process.h"
#include "tests/temp_dir.h"

namespace distill::testing {

/// What a program left.
struct Finished {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// The real distilld and distillctl in a folder of their own, with a home folder and certificates.
/// Owned by one thread.
class AccessLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Runs a shell command to its end; `D` stands for distilld on our state folder, `C` for
  /// distillctl in our home folder.
  Finished Run(const std::string& command, const std::string& input = "");
  /// Adds a user and returns the token.
  std::string AddUser(const std::string& name, const std::string& options = "");

  /// Starts distilld with `options` and waits until it serves, or is gone. Returns its exit code,
  /// or -1 while it serves.
  int StartDaemon(const std::vector<std::string>& options);
  /// Where the daemon serves; the host is always loopback.
  std::string address() const;
  void StopDaemon();
  std::string DaemonLog() const;

  /// Options of the daemon and of distillctl for TLS with our certificates.
  std::vector<std::string> TlsOptions() const;
  std::string Ca() const { return (tls() / "ca.pem").string(); }

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path state() const { return folder() / "state"; }
  std::filesystem::path home() const { return folder() / "home"; }
  std::filesystem::path tls() const { return folder() / "tls"; }
  std::filesystem::path login_file() const { return home() / ".config/distillctl/login.yaml"; }

 private:
  TempDir folder_;
  server::WorkerProcess daemon_;
};

}  // namespace distill::testing
