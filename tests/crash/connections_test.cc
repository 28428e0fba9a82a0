#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <vector>

#include "core/base/durable_file.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/matchers/status_matchers.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kFailedWhileRunning = 5;

rlimit DescriptorsOf(pid_t process) {
  rlimit limit{};
  EXPECT_EQ(::prlimit(process, RLIMIT_NOFILE, nullptr, &limit), 0);
  return limit;
}

class ConnectionsTest : public CrashLab {
 protected:
  // Connects so many times, and says nothing.
  void ConnectAndSayNothing(int number) {
    const std::string port = address().substr(address().rfind(':') + 1);
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < number; ++i) {
      FileDescriptor one(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(one.get(), reinterpret_cast<const sockaddr*>(&server), sizeof(server));
      connections_.push_back(std::move(one));
    }
  }

  std::vector<FileDescriptor> connections_;
};

TEST_F(ConnectionsTest, TheDaemonTakesAllDescriptorsThatItMayHave) {
  const rlimit before = DescriptorsOf(0);
  rlimit low = before;
  low.rlim_cur = 512;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const bool has_started = StartDaemon();
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(has_started);

  EXPECT_EQ(DescriptorsOf(daemon()).rlim_cur, before.rlim_max);
}

TEST_F(ConnectionsTest, OneThatCanTakeNoMoreConnectionsLeavesToBeStartedAgainAndWorkersGoOn) {
#ifndef DISTILL_FAKE_TIME
  GTEST_SKIP() << "sanitizers need descriptors of their own to look at an object";
#endif
  SetScript("started;wait_term");
  ASSERT_TRUE(StartDaemon());
  const auto job = Submit(TrainRequest(), "");
  ASSERT_THAT(job, IsOk());
  AwaitState(job->id(), v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job->id());
  const rlimit few{128, 128};
  ASSERT_EQ(::prlimit(daemon(), RLIMIT_NOFILE, &few, nullptr), 0);

  ConnectAndSayNothing(300);

  EXPECT_EQ(EndDaemon(0), kFailedWhileRunning);
  EXPECT_THAT(DaemonLog(), HasSubstr("raise the limit of open files"));
  connections_.clear();
  EXPECT_EQ(::kill(worker, 0), 0);
  ASSERT_TRUE(StartDaemon());
  const auto found = Get(job->id());
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(AwaitWorker(job->id()), worker);
}

}  // namespace
}  // namespace distill::testing
