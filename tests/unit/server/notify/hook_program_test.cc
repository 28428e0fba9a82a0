#include "server/notify/hook_program.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "core/base/durable_file.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

class HookProgramTest : public ::testing::Test {
 protected:
  // Runs a hook of these lines of shell.
  Status Send(const std::string& script, const std::string& json = "{\"to\":\"FAILED\"}\n",
              std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    const std::filesystem::path program = folder_.path() / "hook";
    std::ofstream(program) << "#!/bin/sh\n" << script;
    ::chmod(program.c_str(), 0700);
    return CreateHookProgram({program, folder_.path(), timeout})->Send(json, is_stopping_);
  }

  std::string Written(const std::string& name) { return ReadFile(folder_.path() / name).value(); }

  testing::TempDir folder_;
  std::atomic<bool> is_stopping_ = false;
};

TEST_F(HookProgramTest, TheJsonComesOnStandardInput) {
  ASSERT_THAT(Send("cat >input\n"), IsOk());

  EXPECT_EQ(Written("input"), "{\"to\":\"FAILED\"}\n");
}

TEST_F(HookProgramTest, AHookThatDoesNotReadHoldsUpNobody) {
  EXPECT_THAT(Send("exit 0\n", std::string(1 << 20, 'x')), IsOk());
}

TEST_F(HookProgramTest, TheEnvironmentIsClean) {
  ::setenv("DISTILL_TEST_SECRET", "leaked", 1);

  ASSERT_THAT(Send("/usr/bin/env >environment\nls /proc/self/fd >files\n"), IsOk());

  EXPECT_THAT(Written("environment"), ::testing::Not(HasSubstr("leaked")));
  EXPECT_THAT(Written("environment"), HasSubstr("PATH=/usr/local/sbin:"));
  EXPECT_EQ(Written("files"), "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_F(HookProgramTest, AnotherCodeThanZeroIsWorthAnotherTry) {
  EXPECT_THAT(Send("exit 3\n"), StatusIs(Code::kUnavailable, HasSubstr("ended with code 3")));
}

TEST_F(HookProgramTest, AHookThatTakesTooLongIsKilledWithItsChildren) {
  const Status status =
      Send("/bin/sleep 1000 & echo $! >child\nwait\n", "{}", std::chrono::milliseconds(200));

  EXPECT_THAT(status, StatusIs(Code::kUnavailable, HasSubstr("longer than 200 ms")));
  const int child = std::stoi(Written("child"));
  EXPECT_TRUE(testing::Eventually(std::chrono::seconds(30), [&] { return ::kill(child, 0) != 0; }));
}

TEST_F(HookProgramTest, AStoppingDaemonDoesNotWaitForItsHook) {
  is_stopping_ = true;

  EXPECT_THAT(Send("sleep 1000\n"), StatusIs(Code::kCancelled, HasSubstr("stops")));
}

TEST_F(HookProgramTest, AProgramThatIsNotThereIsWorthAnotherTry) {
  const auto hook =
      CreateHookProgram({folder_.path() / "none", folder_.path(), std::chrono::seconds(1)});

  EXPECT_THAT(hook->Send("{}", is_stopping_), StatusIs(Code::kUnavailable, HasSubstr("none")));
}

}  // namespace
}  // namespace distill::server
