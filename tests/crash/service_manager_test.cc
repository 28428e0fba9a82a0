#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstring>

#include "core/base/durable_file.h"
#include "server/worker/process.h"
#include "tests/guard/guard_folder.h"
#include "tests/temp_dir.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr int kLimitMillis = 60'000;

// A service manager's end of NOTIFY_SOCKET, and the real distilld that it started.
class ServiceManagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    GuardFolder(folder_.path());
    socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.path() / "notify";
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  void TearDown() override {
    if (daemon_.pid > 0) End(SIGKILL);
  }

  void Start(const std::string& watchdog_microseconds) {
    server::SpawnRequest request;
    request.executable = DISTILLD;
    request.arguments = {
        "--listen",  "127.0.0.1:0", "--state-dir",         folder_.path() / "state",
        "--devices", "cpu",         "--worker-executable", DISTILL_FAKE_WORKER};
    request.environment = {{"NOTIFY_SOCKET", folder_.path() / "notify"},
                           {"WATCHDOG_USEC", watchdog_microseconds}};
    request.working_directory = folder_.path();
    request.output_file = folder_.path() / "log";
    const auto started = server::Spawn(request);
    ASSERT_TRUE(started.ok()) << started.status();
    daemon_ = *started;
  }

  int End(int signal) {
    ::kill(daemon_.pid, signal);
    int status = 0;
    ::waitpid(daemon_.pid, &status, 0);
    daemon_.pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // Returns the next message, or "" after a long time.
  std::string Next() {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kLimitMillis) <= 0) return "";
    std::array<char, 1024> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
  }

  TempDir folder_;
  FileDescriptor socket_;
  server::WorkerProcess daemon_;
};

TEST_F(ServiceManagerTest, ItIsReadyOnceItServesAndTellsOfItsEnd) {
  Start("0");

  const std::string ready = Next();
  EXPECT_THAT(ready, MatchesRegex("READY=1\nSTATUS=serving 127.0.0.1:[0-9]+; 0 queued, 0 running"));
  const auto address = ReadFile(folder_.path() / "state" / "distilld.address");
  ASSERT_TRUE(address.ok());
  EXPECT_THAT(ready, HasSubstr(address->substr(0, address->size() - 1)));

  EXPECT_EQ(End(SIGTERM), 0);
  EXPECT_THAT(Next(), AllOf(HasSubstr("STOPPING=1"), HasSubstr("STATUS=stopping")));
}

TEST_F(ServiceManagerTest, ItAnswersTheWatchdogAgainAndAgain) {
  Start("100000");
  ASSERT_THAT(Next(), HasSubstr("READY=1"));

  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Next(), AllOf(HasSubstr("WATCHDOG=1"), HasSubstr("STATUS=serving")));
  }
}

}  // namespace
}  // namespace distill::testing
