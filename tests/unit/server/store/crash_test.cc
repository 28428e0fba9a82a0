#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "core/base/durable_file.h"
#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

// Inserts jobs for ever and writes each acknowledged name to `acknowledged`.
[[noreturn]] void InsertUntilKilled(const std::filesystem::path& state, int acknowledged) {
  SqliteJobStoreOptions options;
  options.state_directory = state;
  auto store = OpenSqliteJobStore(options, SystemClock());
  if (!store.ok()) ::_exit(1);
  for (int64_t i = 0;; ++i) {
    const std::string name = "job-" + std::to_string(::getpid()) + "-" + std::to_string(i);
    if (!(*store)->InsertJobs({SpecNamed(name)}, name, "sum", 1).ok()) ::_exit(1);
    if (!WriteAll(acknowledged, name + "\n", "pipe").ok()) ::_exit(1);
  }
}

// Reads from `descriptor` until it is closed; kills `child` after `num_lines` lines.
std::set<std::string> ReadAndKill(int descriptor, pid_t child, size_t num_lines) {
  std::set<std::string> lines;
  std::string line;
  char byte = 0;
  while (::read(descriptor, &byte, 1) == 1) {
    if (byte != '\n') {
      line.push_back(byte);
      continue;
    }
    lines.insert(std::exchange(line, {}));
    if (lines.size() == num_lines) ::kill(child, SIGKILL);
  }
  return lines;
}

TEST(CrashTest, KillLosesNoAcknowledgedJobAndLeavesAWholeDatabase) {
  const testing::TempDir dir;
  const testing::FakeClock clock;
  std::set<std::string> acknowledged;
  constexpr size_t kRounds = 5;
  for (size_t round = 1; round <= kRounds; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      InsertUntilKilled(dir.path() / "state", ends[1]);
    }
    ::close(ends[1]);
    const auto lines = ReadAndKill(ends[0], child, 3 * round);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    acknowledged.insert(lines.begin(), lines.end());
  }

  SqliteJobStoreOptions options;
  options.state_directory = dir.path() / "state";
  auto store = OpenSqliteJobStore(options, clock);

  ASSERT_OK(store);
  EXPECT_GE(acknowledged.size(), 3U * (1 + kRounds) * kRounds / 2);
  for (const std::string& name : acknowledged) {
    EXPECT_OK((*store)->FindJobByName(name));
    EXPECT_EQ((*store)->FindRequest(name)->value().jobs.size(), 1U);
  }
}

}  // namespace
}  // namespace distill::server
