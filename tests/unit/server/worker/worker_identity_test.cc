#include "server/worker/worker_identity.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "core/base/durable_file.h"
#include "server/worker/process.h"
#include "server/worker/process_worker_launcher.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr std::chrono::seconds kIdentityLimit{20};
constexpr char kAccount[] = "nobody";

class NoListener final : public WorkerListener {
 public:
  Status OnEvents(const RunKey&, int64_t, const RunEventBatch&) override { return {}; }
  void OnExit(const RunKey&, const WorkerExitStatus&) override { has_exited = true; }
  std::atomic<bool> has_exited{false};
};

struct stat FactsOf(const std::filesystem::path& path) {
  struct stat facts {};
  EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
  return facts;
}

// Returns the words after `key` in /proc/PID/status.
std::string ProcStatus(int pid, const std::string& key) {
  std::istringstream status(ReadFile("/proc/" + std::to_string(pid) + "/status").value());
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size() + 1, key + ":") == 0) return line.substr(key.size() + 2);
  }
  return "";
}

// A launcher on a state folder in which attempt 1 of job 7 may run, with a worker that waits.
class WorkerIdentityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::chmod(dir_.path().c_str(), 0755);
    std::filesystem::create_directories(run());
    for (const auto& folder : {state(), state() / "runs", state() / "runs" / "7", run()}) {
      ::chmod(folder.c_str(), 0700);
    }
    std::filesystem::copy_file(DISTILL_FAKE_WORKER, dir_.path() / "fake_worker");
    Write(run() / "script", "wait_term");
    Write(state() / "control.db", "secret");
  }

  void TearDown() override {
    if (process_.pid > 0 && !listener_.has_exited) KillGroup(process_);
    if (launcher_) launcher_->Detach();
  }

  static void Write(const std::filesystem::path& file, const std::string& content) {
    std::ofstream(file) << content;
    ::chmod(file.c_str(), 0600);
  }

  void Start(const std::string& account) {
    ProcessWorkerLauncherOptions options;
    options.executable = dir_.path() / "fake_worker";
    options.state_directory = state();
    auto identity = FindWorkerIdentity(account);
    ASSERT_OK(identity);
    options.identity = *identity;
    launcher_ = std::move(ProcessWorkerLauncher::Create(options)).value();
    launcher_->Attach(listener_);
    LaunchRequest request;
    request.key = key_;
    request.run_directory = run();
    const auto process = launcher_->Start(request);
    ASSERT_OK(process);
    process_ = *process;
    ASSERT_TRUE(testing::Eventually(
        kIdentityLimit, [&] { return std::filesystem::exists(run() / "worker.lock"); }));
  }

  std::filesystem::path state() const { return dir_.path() / "state"; }
  std::filesystem::path run() const { return state() / "runs" / "7" / "1"; }

  const RunKey key_{RunKey::Kind::kJob, 7, 1};
  testing::TempDir dir_;
  NoListener listener_;
  std::unique_ptr<ProcessWorkerLauncher> launcher_;
  WorkerProcess process_;
};

TEST_F(WorkerIdentityTest, WhatAWorkerMakesIsForItsAccountOnlyWhateverOurUmaskIs) {
  const mode_t ours = ::umask(022);
  Start("");

  EXPECT_EQ(ProcStatus(process_.pid, "Umask"), "0077");
  EXPECT_EQ(FactsOf(run() / "worker.log").st_mode & 0777U, 0600U);
  EXPECT_EQ(::umask(ours), 022U) << "the daemon's own umask has changed";
}

TEST_F(WorkerIdentityTest, UnknownAccountIsRefusedByName) {
  EXPECT_THAT(FindWorkerIdentity("no-such-account"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("worker_user")));
  EXPECT_EQ(*FindWorkerIdentity(""), std::nullopt);
}

TEST_F(WorkerIdentityTest, RootStartsWorkersAsTheAccountWithNothingOfItsOwnPowers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can";
  const WorkerIdentity nobody = FindWorkerIdentity(kAccount).value().value();
  ASSERT_NO_FATAL_FAILURE(Start(kAccount));

  std::istringstream users(ProcStatus(process_.pid, "Uid"));
  std::istringstream groups(ProcStatus(process_.pid, "Gid"));
  for (int i = 0; i < 4; ++i) {  // real, effective, saved, of the file system
    uid_t user = 0;
    gid_t group = 0;
    ASSERT_TRUE(users >> user && groups >> group);
    EXPECT_EQ(user, nobody.user);
    EXPECT_EQ(group, nobody.group);
  }
  EXPECT_EQ(ProcStatus(process_.pid, "CapEff"), "0000000000000000");
  EXPECT_EQ(ProcStatus(process_.pid, "CapPrm"), "0000000000000000");
  EXPECT_EQ(FactsOf(run() / "worker.log").st_uid, nobody.user);
  EXPECT_EQ(FactsOf(run() / "script").st_uid, nobody.user);
  // The account passes through the state folder, and sees nothing there.
  EXPECT_EQ(FactsOf(state()).st_mode & 0777U, 0711U);
  EXPECT_EQ(FactsOf(state() / "control.db").st_uid, 0U);
  EXPECT_EQ(FactsOf(state() / "control.db").st_mode & 0777U, 0600U);
  EXPECT_EQ(::geteuid(), 0U) << "this process has given up its own account";
  EXPECT_EQ(launcher_->FindRunning(run())->pid, process_.pid);
}

TEST_F(WorkerIdentityTest, WorkerOfTheAccountReadsItsOrderAndLeaves) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can";
  ASSERT_NO_FATAL_FAILURE(Start(kAccount));

  ASSERT_OK(launcher_->Stop(key_, StopOrder::kCancel));

  EXPECT_TRUE(testing::Eventually(kIdentityLimit, [&] { return listener_.has_exited.load(); }));
  EXPECT_NE(FactsOf(run() / "order").st_uid, 0U);
}

TEST_F(WorkerIdentityTest, LinksInARunDirectoryAreNotFollowedWhenItIsGivenAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can";
  std::filesystem::create_symlink(state() / "control.db", run() / "symbolic");
  std::filesystem::create_hard_link(state() / "control.db", run() / "hard");

  ASSERT_OK(GiveFolderTo(FindWorkerIdentity(kAccount).value().value(), run()));

  EXPECT_EQ(FactsOf(state() / "control.db").st_uid, 0U);
  EXPECT_NE(FactsOf(run() / "script").st_uid, 0U);
}

}  // namespace
}  // namespace distill::server
