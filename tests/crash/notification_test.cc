#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "tests/crash/crash_lab.h"
#include "tests/eventually.h"
#include "tests/fakes/http_receiver.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class NotificationTest : public CrashLab {
 protected:
  std::string WriteHook(const std::string& script) {
    const std::filesystem::path hook = folder() / "hook";
    std::ofstream(hook) << "#!/bin/sh\n" << script;
    ::chmod(hook.c_str(), 0700);
    return hook;
  }
};

TEST_F(NotificationTest, HookAndWebhookLearnOfTheEndOfAJob) {
  const HttpReceiver receiver({503});
  AddArguments({"--hook-program", WriteHook("cat >" + (folder() / "told").string() + "\n"),
                "--webhook-url", receiver.url()});
  ASSERT_TRUE(StartDaemon());

  ASSERT_TRUE(Submit(TrainRequest(), "").ok());

  EXPECT_THAT(AwaitFile(folder() / "told"),
              AllOf(HasSubstr("\"to\":\"SUCCEEDED\""), HasSubstr("\"owner\":\"ada\"")));
  // The first answer was a server in trouble.
  ASSERT_TRUE(Eventually(kLimit, [&] { return receiver.requests().size() == 2; }));
  EXPECT_THAT(receiver.requests()[1], HasSubstr("\"to\":\"SUCCEEDED\""));
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
}

TEST_F(NotificationTest, ATargetThatHangsHoldsUpNeitherJobsNorTheEndOfTheDaemon) {
  const HttpReceiver receiver({0, 0, 0});
  AddArguments({"--hook-program",
                WriteHook("echo x >" + (folder() / "begun").string() + "\nsleep 100000\n"),
                "--hook-timeout-seconds", "3600", "--webhook-url", receiver.url(),
                "--webhook-timeout-seconds", "3600", "--notify-states", "QUEUED"});
  ASSERT_TRUE(StartDaemon());

  const auto first = Submit(TrainRequest(), "");
  AwaitFile(folder() / "begun");
  const auto second = Submit(TrainRequest(), "");

  ASSERT_TRUE(first.ok() && second.ok());
  AwaitState(second->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
}

}  // namespace
}  // namespace distill::testing
