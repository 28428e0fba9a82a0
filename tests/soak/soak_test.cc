#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "tests/crash/crash_lab.h"
#include "tests/eventually.h"
#include "tests/soak/soak_client.h"

namespace distill::testing {
namespace {

constexpr int kClients = 50;
// What the daemon may hold more after the soak than after its first fifth: caches that are still
// filling up, and the allocator's slack.
constexpr double kMaxGrowthMiB = 64;
// The store keeps eight idle readers of each database, with two files each.
constexpr int kMaxMoreFiles = 64;

double Minutes() {
  const char* const given = std::getenv("DISTILL_SOAK_MINUTES");
  return given != nullptr ? std::atof(given) : 10;
}

double MemoryMiB(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

int OpenFiles(pid_t process) {
  int count = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

class SoakTest : public CrashLab {};

TEST_F(SoakTest, FiftyClientsThatBehaveBadlyLeaveTheDaemonAsItWas) {
  SetScript("started;lines 5;epochs 1 3;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const int files_before = OpenFiles(daemon());
  const auto length = std::chrono::duration<double>(60 * Minutes());
  const auto start = std::chrono::steady_clock::now();
  SoakTally tally;
  std::vector<std::thread> clients;
  for (int number = 0; number < kClients; ++number) {
    clients.emplace_back([&, number] {
      SoakClient client(address(), static_cast<uint64_t>(number), tally);
      while (std::chrono::steady_clock::now() - start < length) client.Act();
    });
  }
  std::this_thread::sleep_for(length / 5);
  const double warm = MemoryMiB(daemon());
  for (std::thread& client : clients) client.join();

  const double after = MemoryMiB(daemon());
  std::cout << tally.calls << " calls, " << tally.streams << " streams, " << tally.half_open
            << " half-open connections; memory " << warm << " MiB after a fifth, " << after
            << " MiB at the end\n";
  EXPECT_GT(tally.calls, 0);
  EXPECT_EQ(tally.unexpected, 0);
  EXPECT_EQ(tally.unanswered, 0);
  EXPECT_LT(after - warm, kMaxGrowthMiB);
  EXPECT_TRUE(Eventually(std::chrono::seconds(60),
                         [&] { return OpenFiles(daemon()) <= files_before + kMaxMoreFiles; }))
      << OpenFiles(daemon()) << " files are open, " << files_before << " were before";
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
}

}  // namespace
}  // namespace distill::testing
