#include "tests/access/access_lab.h"

#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iostream>

#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/guard/guard_folder.h"

namespace distill::testing {
namespace {

constexpr std::chrono::seconds kLimit{60};

}  // namespace

void AccessLab::SetUp() {
  GuardFolder(folder());
  std::filesystem::create_directory(home());
  // As the package's unit does, before the daemon's first start.
  std::filesystem::create_directory(state());
  std::filesystem::permissions(state(), std::filesystem::perms::owner_all);
  ASSERT_EQ(Run(std::string(DISTILL_DEPLOY) + "/tls.sh " + tls().string() + " localhost 127.0.0.1")
                .exit_code,
            0);
}

void AccessLab::TearDown() {
  StopDaemon();
  if (HasFailure()) std::cerr << DaemonLog();
}

Finished AccessLab::Run(const std::string& command, const std::string& input) {
  const std::filesystem::path in = folder() / "in";
  const std::filesystem::path out = folder() / "out";
  const std::filesystem::path err = folder() / "err";
  std::ofstream(in) << input;
  const std::string script = "D() { verb=$1; shift; " + std::string(DISTILLD) +
                             " \"$verb\" --state-dir " + state().string() + " \"$@\"; }\n" +
                             "C() { HOME=" + home().string() + " " + DISTILLCTL + " \"$@\"; }\n" +
                             "exec <" + in.string() + " >" + out.string() + " 2>" + err.string() +
                             "\n" + command;
  Finished finished;
  finished.exit_code = RunProgram("/bin/sh", {"-c", script}, "");
  finished.out = ContentOf(out);
  finished.err = ContentOf(err);
  return finished;
}

std::string AccessLab::AddUser(const std::string& name, const std::string& options) {
  const Finished added = Run("D user add " + name + " " + options);
  EXPECT_EQ(added.exit_code, 0) << added.err;
  return added.out.substr(0, added.out.find('\n'));
}

int AccessLab::StartDaemon(const std::vector<std::string>& options) {
  std::filesystem::remove(state() / "distilld.address");
  server::SpawnRequest request;
  request.executable = DISTILLD;
  request.arguments = {"--state-dir", state().string(),      "--devices",
                       "cpu",         "--worker-executable", DISTILL_FAKE_WORKER};
  request.arguments.insert(request.arguments.end(), options.begin(), options.end());
  request.working_directory = "/";
  request.output_file = folder() / "distilld.log";
  const auto started = server::Spawn(request);
  EXPECT_TRUE(started.ok()) << started.status().ToString();
  if (!started.ok()) return 127;
  daemon_ = *started;
  const bool is_decided = Eventually(kLimit, [&] {
    return !ContentOf(state() / "distilld.address").empty() || !server::StartTicks(daemon_.pid);
  });
  EXPECT_TRUE(is_decided) << "distilld neither serves nor leaves";
  if (server::StartTicks(daemon_.pid)) return -1;
  const int code = AwaitExit(daemon_.pid);
  daemon_ = {};
  return code;
}

std::string AccessLab::address() const {
  const std::string text = ContentOf(state() / "distilld.address");
  return "127.0.0.1" + text.substr(text.rfind(':'), text.find('\n') - text.rfind(':'));
}

void AccessLab::StopDaemon() {
  if (daemon_.pid <= 0) return;
  ::kill(daemon_.pid, SIGTERM);
  AwaitExit(daemon_.pid);
  daemon_ = {};
}

std::string AccessLab::DaemonLog() const { return ContentOf(folder() / "distilld.log"); }

std::vector<std::string> AccessLab::TlsOptions() const {
  return {"--tls-certificate", (tls() / "server.pem").string(), "--tls-key",
          (tls() / "server.key").string()};
}

}  // namespace distill::testing
