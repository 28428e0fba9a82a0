#include "server/worker/process_worker_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/base/exit_code.h"
#include "server/worker/process.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::distill::testing::Eventually;
using ::distill::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::chrono::seconds kLimit{20};
constexpr RunKey kKey{RunKey::Kind::kJob, 7, 1};

/// Keeps what it is told. Thread-safe.
class RecordingListener final : public WorkerListener {
 public:
  Status OnEvents(const RunKey& /*key*/, int64_t from_offset, const RunEventBatch& batch) override {
    const MutexLock lock(mutex_);
    if (num_refusals_ > 0) {
      --num_refusals_;
      return {Code::kUnavailable, "busy"};
    }
    EXPECT_EQ(from_offset, next_offset_);
    next_offset_ = batch.next_offset;
    for (const RunEvent& event : batch.events) sequences_.push_back(event.sequence);
    return Status::Ok();
  }

  void OnExit(const RunKey& key, const WorkerExitStatus& exit) override {
    const MutexLock lock(mutex_);
    EXPECT_EQ(key, kKey);
    exits_.push_back(exit);
  }

  void RefuseNext(int num_batches) {
    const MutexLock lock(mutex_);
    num_refusals_ = num_batches;
  }
  std::vector<int64_t> sequences() {
    const MutexLock lock(mutex_);
    return sequences_;
  }
  std::vector<WorkerExitStatus> exits() {
    const MutexLock lock(mutex_);
    return exits_;
  }
  int64_t next_offset() {
    const MutexLock lock(mutex_);
    return next_offset_;
  }
  void ContinueAt(int64_t offset) {
    const MutexLock lock(mutex_);
    next_offset_ = offset;
  }

 private:
  Mutex mutex_;
  int num_refusals_ GUARDED_BY(mutex_) = 0;
  int64_t next_offset_ GUARDED_BY(mutex_) = 0;
  std::vector<int64_t> sequences_ GUARDED_BY(mutex_);
  std::vector<WorkerExitStatus> exits_ GUARDED_BY(mutex_);
};

class ProcessWorkerLauncherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    request_.key = kKey;
    request_.run_directory = dir_.path() / "run";
    std::filesystem::create_directory(request_.run_directory);
    launcher_ = Create(listener_);
  }

  void TearDown() override {
    launcher_->Detach();
    if (process_.pid > 1) {
      Signal(process_, SIGKILL);
      KillGroup(process_);
    }
  }

  std::unique_ptr<ProcessWorkerLauncher> Create(WorkerListener& listener) {
    ProcessWorkerLauncherOptions options;
    options.executable = DISTILL_FAKE_WORKER;
    options.stop_grace = std::chrono::milliseconds(300);
    options.poll_interval = std::chrono::milliseconds(50);
    auto launcher = ProcessWorkerLauncher::Create(options);
    EXPECT_OK(launcher);
    (*launcher)->Attach(listener);
    return std::move(launcher).value();
  }

  void Start(const std::string& script) {
    std::ofstream(request_.run_directory / "script") << script;
    const auto process = launcher_->Start(request_);
    ASSERT_OK(process);
    process_ = *process;
  }

  bool HasExited() {
    return Eventually(kLimit, [&] { return !listener_.exits().empty(); });
  }
  bool HasSeen(size_t num_events) {
    return Eventually(kLimit, [&] { return listener_.sequences().size() >= num_events; });
  }
  std::filesystem::path File(const char* name) const { return request_.run_directory / name; }

  // What the worker holds open outside of the test's folder, at one glance: a descriptor that it
  // opens and closes itself (as a sanitizer does) may be seen once, an inherited one always.
  std::vector<std::string> ForeignDescriptors() const {
    std::vector<std::string> foreign;
    const auto descriptors = "/proc/" + std::to_string(process_.pid) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(descriptors)) {
      std::error_code is_closed_by_now;
      const auto target = std::filesystem::read_symlink(entry.path(), is_closed_by_now).string();
      const bool is_its_own = target == "/dev/null" || target.find(dir_.path()) == 0;
      if (!is_closed_by_now && !is_its_own) foreign.push_back(target);
    }
    return foreign;
  }

  testing::TempDir dir_;
  RecordingListener listener_;
  LaunchRequest request_;
  WorkerProcess process_;
  std::unique_ptr<ProcessWorkerLauncher> launcher_;
};

TEST_F(ProcessWorkerLauncherTest, EventsComeOnceAndInOrderBeforeTheExit) {
  Start("started\nepoch 1 0.5\nepoch 2 0.6\noutcome 8 0\nexit 0\n");

  ASSERT_TRUE(HasExited());

  EXPECT_THAT(listener_.sequences(), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(listener_.exits()[0].is_known);
  EXPECT_EQ(listener_.exits()[0].exit_code, 0);
  EXPECT_EQ(listener_.exits()[0].signal, 0);
}

TEST_F(ProcessWorkerLauncherTest, EventsComeWhileTheWorkerRuns) {
  Start("started\nwait go\nepoch 1 0.5\nwait_term\n");
  ASSERT_TRUE(HasSeen(1));

  std::ofstream(File("go")) << "x";

  EXPECT_TRUE(HasSeen(2));
  EXPECT_THAT(listener_.exits(), IsEmpty());
}

TEST_F(ProcessWorkerLauncherTest, ExitCodeAndSignalAreReported) {
  Start("exit 14\n");
  ASSERT_TRUE(HasExited());
  EXPECT_EQ(listener_.exits()[0].exit_code, 14);

  std::ofstream(File("script")) << "kill\n";
  ASSERT_OK(launcher_->Start(request_));
  ASSERT_TRUE(Eventually(kLimit, [&] { return listener_.exits().size() == 2; }));
  EXPECT_EQ(listener_.exits()[1].signal, SIGKILL);
}

TEST_F(ProcessWorkerLauncherTest, WorkerSeesOnlyTheEnvironmentAndDescriptorsThatItIsGiven) {
  const int leaked = ::dup(STDOUT_FILENO);  // not close-on-exec
  request_.environment = {{"CUDA_VISIBLE_DEVICES", "GPU-a"}};
  Start("started\nwait_term\n");
  ASSERT_TRUE(HasSeen(1));
  const std::filesystem::path proc = "/proc/" + std::to_string(process_.pid);

  std::string environment = ReadFile(proc / "environ").value();

  EXPECT_EQ(std::count(environment.begin(), environment.end(), '\0'), 2);
  EXPECT_THAT(environment, HasSubstr("CUDA_VISIBLE_DEVICES=GPU-a"));
  EXPECT_EQ(std::filesystem::read_symlink(proc / "fd/0"), "/dev/null");
  EXPECT_EQ(std::filesystem::read_symlink(proc / "fd/1"),
            std::filesystem::canonical(File("worker.log")));
  EXPECT_TRUE(Eventually(kLimit, [&] { return ForeignDescriptors().empty(); }))
      << ::testing::PrintToString(ForeignDescriptors());
  ::close(leaked);
}

TEST_F(ProcessWorkerLauncherTest, OutputIsAppendedToTheLog) {
  std::ofstream(File("worker.log")) << "earlier\n";
  Start("print hello\nnonsense\n");
  ASSERT_TRUE(HasExited());

  const std::string log = ReadFile(File("worker.log")).value();

  EXPECT_THAT(log, HasSubstr("earlier\nhello\n"));
  EXPECT_THAT(log, HasSubstr("cannot play: nonsense"));
}

TEST_F(ProcessWorkerLauncherTest, StopWritesTheOrderAndLetsTheWorkerLeave) {
  Start("started\nwait_term\n");
  ASSERT_TRUE(HasSeen(1));

  ASSERT_OK(launcher_->Stop(kKey, StopOrder::kCancel));
  ASSERT_TRUE(HasExited());

  EXPECT_EQ(ReadFile(File("order")).value(), "cancel");
  EXPECT_THAT(listener_.sequences(), ElementsAre(1, 2));
  EXPECT_EQ(listener_.exits()[0].exit_code, static_cast<int>(WorkerExit::kStopped));
}

TEST_F(ProcessWorkerLauncherTest, SecondOrderReplacesTheReason) {
  Start("ignore_term\nstarted\nwait go\n");
  ASSERT_TRUE(HasSeen(1));
  EXPECT_EQ(launcher_->FindOrder(request_.run_directory), std::nullopt);

  ASSERT_OK(launcher_->Stop(kKey, StopOrder::kPause));
  EXPECT_EQ(launcher_->FindOrder(request_.run_directory), StopOrder::kPause);
  ASSERT_OK(launcher_->Stop(kKey, StopOrder::kCancel));

  EXPECT_EQ(launcher_->FindOrder(request_.run_directory), StopOrder::kCancel);
  ASSERT_TRUE(HasExited());
}

TEST_F(ProcessWorkerLauncherTest, WorkerThatIgnoresTheOrderIsKilledWithItsChildren) {
  Start("ignore_term\nchild pid\nstarted\nwait never\n");
  ASSERT_TRUE(HasSeen(1));
  const int child = std::stoi(ReadFile(File("pid")).value());

  ASSERT_OK(launcher_->Stop(kKey, StopOrder::kCancel));
  ASSERT_TRUE(HasExited());

  EXPECT_EQ(listener_.exits()[0].signal, SIGKILL);
  EXPECT_TRUE(Eventually(kLimit, [&] { return !StartTicks(child).has_value(); }));
}

TEST_F(ProcessWorkerLauncherTest, ChildrenThatAWorkerLeavesBehindDie) {
  Start("child pid\nexit 0\n");
  ASSERT_TRUE(HasExited());

  const int child = std::stoi(ReadFile(File("pid")).value());

  EXPECT_TRUE(Eventually(kLimit, [&] { return !StartTicks(child).has_value(); }));
}

TEST_F(ProcessWorkerLauncherTest, StopOfAnUnknownRunIsNotFound) {
  EXPECT_THAT(launcher_->Stop(kKey, StopOrder::kCancel), HasCode(Code::kNotFound));
}

TEST_F(ProcessWorkerLauncherTest, ProgramThatIsMissingIsUnavailable) {
  ProcessWorkerLauncherOptions options;
  options.executable = "/nonexistent/worker";
  auto launcher = ProcessWorkerLauncher::Create(options);
  ASSERT_OK(launcher);

  EXPECT_THAT((*launcher)->Start(request_), HasCode(Code::kUnavailable));
}

TEST_F(ProcessWorkerLauncherTest, RelativeProgramIsRefused) {
  ProcessWorkerLauncherOptions options;
  options.executable = "worker";

  EXPECT_THAT(ProcessWorkerLauncher::Create(options), HasCode(Code::kInvalidArgument));
}

TEST_F(ProcessWorkerLauncherTest, RunThatIsFollowedIsNotStartedAgain) {
  Start("wait_term\n");

  EXPECT_THAT(launcher_->Start(request_), HasCode(Code::kFailedPrecondition));
}

TEST_F(ProcessWorkerLauncherTest, RefusedEventsComeAgain) {
  listener_.RefuseNext(2);
  Start("started\nepoch 1 0.5\noutcome 8 0\n");

  ASSERT_TRUE(HasExited());

  EXPECT_THAT(listener_.sequences(), ElementsAre(1, 2, 3));
}

TEST_F(ProcessWorkerLauncherTest, TornTailEndsTheJournalQuietly) {
  Start("started\ntorn\nkill\n");

  ASSERT_TRUE(HasExited());

  EXPECT_THAT(listener_.sequences(), ElementsAre(1));
}

TEST_F(ProcessWorkerLauncherTest, NothingAfterADamagedEventIsTaken) {
  Start("started\ndamaged\nnotice after\n");

  ASSERT_TRUE(HasExited());

  EXPECT_THAT(listener_.sequences(), ElementsAre(1));
}

TEST_F(ProcessWorkerLauncherTest, SecondLauncherAdoptsWhereTheFirstLeftOff) {
  Start("started\nepoch 1 0.5\nwait go\nepoch 2 0.6\noutcome 8 0\n");
  ASSERT_TRUE(HasSeen(2));
  launcher_->Detach();
  request_.journal_offset = listener_.next_offset();
  RecordingListener second_listener;
  second_listener.ContinueAt(request_.journal_offset);
  const auto second = Create(second_listener);

  ASSERT_OK(second->Adopt(request_, process_));
  std::ofstream(File("go")) << "x";

  ASSERT_TRUE(Eventually(kLimit, [&] { return !second_listener.exits().empty(); }));
  EXPECT_THAT(listener_.sequences(), ElementsAre(1, 2));
  EXPECT_THAT(second_listener.sequences(), ElementsAre(3, 4));
  EXPECT_THAT(listener_.exits(), IsEmpty());
  second->Detach();
}

TEST_F(ProcessWorkerLauncherTest, AdoptedWorkerObeysTheOrderToStop) {
  Start("started\nwait_term\n");
  ASSERT_TRUE(HasSeen(1));
  launcher_->Detach();
  RecordingListener second_listener;
  const auto second = Create(second_listener);
  ASSERT_OK(second->Adopt(request_, process_));

  ASSERT_OK(second->Stop(kKey, StopOrder::kCancel));

  ASSERT_TRUE(Eventually(kLimit, [&] { return !second_listener.exits().empty(); }));
  EXPECT_THAT(second_listener.sequences(), ElementsAre(1, 2));
  second->Detach();
}

TEST_F(ProcessWorkerLauncherTest, AdoptedProcessThatIsGoneLeavesItsJournal) {
  Start("started\nepoch 1 0.5\nexit 3\n");
  ASSERT_TRUE(HasExited());
  launcher_->Detach();
  RecordingListener second_listener;
  const auto second = Create(second_listener);

  ASSERT_OK(second->Adopt(request_, process_));

  ASSERT_TRUE(Eventually(kLimit, [&] { return !second_listener.exits().empty(); }));
  EXPECT_THAT(second_listener.sequences(), ElementsAre(1, 2));
  EXPECT_FALSE(second_listener.exits()[0].is_known);
  second->Detach();
}

TEST_F(ProcessWorkerLauncherTest, ChildrenOfAnAdoptedProcessThatIsGoneAreEnded) {
  Start("child kid\nwait go\n");
  pid_t child = 0;
  ASSERT_TRUE(Eventually(
      kLimit, [&] { return static_cast<bool>(std::ifstream(File("kid")) >> child) && child > 0; }));
  launcher_->Detach();
  ::kill(process_.pid, SIGKILL);
  // Nothing is left of it by which its group could be found but the group itself.
  ASSERT_EQ(::waitpid(process_.pid, nullptr, 0), process_.pid);
  ASSERT_TRUE(StartTicks(child));

  RecordingListener listener;
  const auto second = Create(listener);
  ASSERT_OK(second->Adopt(request_, process_));

  EXPECT_TRUE(Eventually(kLimit, [&] { return !StartTicks(child); }));
  second->Detach();
}

TEST_F(ProcessWorkerLauncherTest, ForeignProcessWithTheSamePidIsNeitherAdoptedNorHarmed) {
  const WorkerProcess not_ours{::getpid(), 1};  // our pid, another start time

  ASSERT_OK(launcher_->Adopt(request_, not_ours));

  ASSERT_TRUE(HasExited());
  EXPECT_FALSE(listener_.exits()[0].is_known);
}

TEST_F(ProcessWorkerLauncherTest, WorkerIsFoundByItsFolder) {
  EXPECT_EQ(launcher_->FindRunning(request_.run_directory), std::nullopt);
  Start("wait_term\n");

  // A process that is starting has no arguments yet, for a moment.
  std::optional<WorkerProcess> by_argument;
  ASSERT_TRUE(Eventually(kLimit, [&] {
    by_argument = launcher_->FindRunning(request_.run_directory);
    return by_argument.has_value();
  }));
  EXPECT_EQ(by_argument->pid, process_.pid);
  ASSERT_TRUE(Eventually(kLimit, [&] { return std::filesystem::exists(File("journal")); }));
  const auto by_lock = launcher_->FindRunning(request_.run_directory);
  ASSERT_TRUE(by_lock.has_value());
  EXPECT_EQ(by_lock->pid, process_.pid);
  EXPECT_EQ(by_lock->start_ticks, process_.start_ticks);

  ASSERT_OK(launcher_->Stop(kKey, StopOrder::kCancel));
  ASSERT_TRUE(HasExited());
  EXPECT_EQ(launcher_->FindRunning(request_.run_directory), std::nullopt);
}

}  // namespace
}  // namespace distill::server
