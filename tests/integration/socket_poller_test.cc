#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "tests/eventually.h"
#include "tests/integration/test_server.h"

namespace distill::server {
namespace {

// What a thread of this process does.
struct Activity {
  std::optional<long> system_call;  // that it waits in; nothing while it runs
  unsigned long argument = 0;       // the first one of the call
  std::string num_switches;         // how often the thread has stopped and gone on

  bool operator==(const Activity&) const = default;

  bool IsNap() const { return system_call == SYS_nanosleep || system_call == SYS_clock_nanosleep; }
  bool IsWaitAt(int epoll) const {
#ifdef SYS_epoll_wait
    const bool is_older_call = system_call == SYS_epoll_wait;
#else
    const bool is_older_call = false;
#endif
    return (is_older_call || system_call == SYS_epoll_pwait) &&
           argument == static_cast<unsigned long>(epoll);
  }
};

Activity ActivityOf(const std::filesystem::path& thread) {
  Activity activity;
  std::string number;
  std::string argument;
  std::ifstream(thread / "syscall") >> number >> argument;  // "running" alone, or numbers
  if (!argument.empty()) {
    activity.system_call = std::stol(number);
    activity.argument = std::stoul(argument, nullptr, 16);
  }
  std::ifstream status(thread / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.find("ctxt_switches") != std::string::npos) activity.num_switches += line;
  }
  return activity;
}

using Activities = std::map<std::string, Activity>;

Activities OfOtherThreads() {
  Activities activities;
  const std::string own = std::filesystem::read_symlink("/proc/thread-self").filename();
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string thread = entry.path().filename();
    if (thread != own) activities[thread] = ActivityOf(entry.path());
  }
  return activities;
}

template <typename Predicate>
bool HasAny(const Activities& activities, Predicate is_it) {
  return std::any_of(activities.begin(), activities.end(),
                     [&](const auto& entry) { return is_it(entry.second); });
}

bool ListensAt(int descriptor, int port) {
  sockaddr_in6 address{};  // large enough for both families, which have the port in one place
  socklen_t size = sizeof(address);
  int is_listening = 0;
  socklen_t length = sizeof(is_listening);
  return ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         ntohs(address.sin6_port) == port &&
         ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) == 0 &&
         is_listening != 0;
}

// Returns the set of descriptors (epoll) that a server on `port` waits at; -1 = none.
int EpollOf(int port) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) {
      std::istringstream words(line);
      std::string name;
      int descriptor = -1;
      if (words >> name >> descriptor && name == "tfd:" && ListensAt(descriptor, port)) {
        return std::stoi(entry.path().filename());
      }
    }
  }
  return -1;
}

TEST(SocketPollerTest, WhileGrpcsThreadsNapAThreadWaitsAtTheSockets) {
  if (!std::filesystem::exists("/proc/self/syscall")) GTEST_SKIP() << "no /proc/*/syscall";
  TestServer server;
  const int epoll = EpollOf(server.port());
  ASSERT_GE(epoll, 0);
  constexpr int kEnough = 100;
  int num_seen = 0;

  const bool is_enough = testing::Eventually(kDeadline, [&] {
    const Activities activities = OfOtherThreads();
    const bool is_nap = HasAny(activities, [](const Activity& one) { return one.IsNap(); });
    const bool is_quiet =
        !HasAny(activities, [](const Activity& one) { return !one.system_call.has_value(); });
    // What was read one after the other was so at one moment if no thread has moved since.
    if (!is_nap || !is_quiet || activities != OfOtherThreads()) return false;
    EXPECT_TRUE(HasAny(activities, [&](const Activity& one) { return one.IsWaitAt(epoll); }))
        << "nobody would see a call that comes now";
    return ++num_seen == kEnough || ::testing::Test::HasFailure();
  });

  EXPECT_TRUE(is_enough) << "gRPC's threads do not nap: is the SocketPoller still needed?";
}

}  // namespace
}  // namespace distill::server
