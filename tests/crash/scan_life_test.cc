#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ScanLifeTest : public CrashLab {};

TEST_F(ScanLifeTest, AScanThatARestartOutlivesIsEndedWithItsFolderOnceItsDataSetIsRemoved) {
  set_stop_grace_seconds(60);
  AddArguments({"--dataset-roots", folder().string()});
  fs::create_directories(folder() / "owls");
  SetScript("ignore_term;started;wait go");
  ASSERT_TRUE(StartDaemon());
  const fs::path output = folder() / "output";
  ASSERT_EQ(Ctl({"dataset", "add", "owls", (folder() / "owls").string(), "--no-wait"}, output), 0)
      << ContentOf(output);
  const fs::path scan = state() / "datasets" / "2";  // 1 is CrashLab's own
  AwaitFile(scan / "worker.lock");

  ASSERT_EQ(Ctl({"dataset", "rm", "owls"}, output), 0) << ContentOf(output);
  EndDaemon(SIGKILL);
  EXPECT_THAT(ProcessesIn(state()), Not(IsEmpty()));
  set_stop_grace_seconds(1);
  ASSERT_TRUE(StartDaemon());

  EXPECT_TRUE(
      Eventually(kLimit, [&] { return ProcessesIn(state()).empty() && !fs::exists(scan); }));
}

TEST_F(ScanLifeTest, AddingADataSetCountsAsASubmit) {
  AddArguments({"--dataset-roots", folder().string(), "--max-submits-per-minute", "1"});
  fs::create_directories(folder() / "owls");
  SetScript("started;wait go");
  ASSERT_TRUE(StartDaemon());
  const std::string path = (folder() / "owls").string();
  const fs::path output = folder() / "output";
  ASSERT_EQ(Ctl({"dataset", "add", "owls", path, "--no-wait"}, output), 0) << ContentOf(output);

  EXPECT_NE(Ctl({"dataset", "add", "crows", path, "--no-wait"}, output), 0);

  EXPECT_THAT(ContentOf(output), HasSubstr("max_submits_per_minute"));
}

}  // namespace
}  // namespace distill::testing
