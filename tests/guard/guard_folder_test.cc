#include "tests/guard/guard_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/eventually.h"
#include "tests/temp_dir.h"

namespace distill::testing {
namespace {

constexpr std::chrono::seconds kWait{20};

// Starts a program that does nothing until it is killed: it stops itself.
pid_t StartIn(const std::filesystem::path& folder, const std::string& argument) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(1);
    ::execl("/bin/sh", "sh", "-c", "kill -STOP $$", argument.c_str(), nullptr);
    ::_exit(1);
  }
  return pid;
}

bool IsGone(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, WNOHANG) == pid;
}

void End(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(GuardFolderTest, OwnerThatIsKilledLeavesNothingBehind) {
  const TempDir folder;
  const pid_t owner = StartIn("/", "owner");
  const pid_t by_place = StartIn(folder.path(), "works there");
  const pid_t by_argument = StartIn("/", "--state-dir=" + folder.path().string() + "/state");
  const pid_t stranger = StartIn("/", "stranger");
  GuardFolder(folder.path(), owner);

  End(owner);

  EXPECT_TRUE(Eventually(kWait, [&] { return IsGone(by_place); }));
  EXPECT_TRUE(Eventually(kWait, [&] { return IsGone(by_argument); }));
  EXPECT_TRUE(Eventually(kWait, [&] { return !std::filesystem::exists(folder.path()); }));
  EXPECT_FALSE(IsGone(stranger));
  End(stranger);
}

TEST(GuardFolderTest, FolderThatIsGoneIsGuardedNoMore) {
  const pid_t owner = StartIn("/", "owner");
  auto folder = std::make_unique<TempDir>();
  GuardFolder(folder->path(), owner);
  const std::string path = folder->path().string();
  const auto num_guards = [&] {
    return WEXITSTATUS(
        std::system(("pgrep -f '^[^ ]*test_guard .*" + path + "$' >/dev/null").c_str()));
  };
  EXPECT_EQ(num_guards(), 0) << "found";

  folder.reset();

  EXPECT_TRUE(Eventually(kWait, [&] { return num_guards() == 1; })) << "none left";
  End(owner);
}

}  // namespace
}  // namespace distill::testing
