#include "client/command_line/completion.h"

#include <gmock/gmock.h>

namespace distill::client {
namespace {

using ::testing::HasSubstr;

CompletionVerb SomeProgram() {
  CompletionVerb program{"distillctl", "", {"--server"}, false, {}};
  program.verbs.push_back({"show", "show a job's state", {"--wide"}, true, {}});
  program.verbs.push_back({"dataset", "data", {}, false, {{"add", "add", {"--val"}, false, {}}}});
  return program;
}

TEST(CompletionTest, BashOffersVerbsFlagsAndJobs) {
  const std::string script = CompletionScript("bash", SomeProgram());

  EXPECT_THAT(script, HasSubstr("words='show dataset'"));
  EXPECT_THAT(script, HasSubstr("flags='--wide --server'"));
  EXPECT_THAT(script, HasSubstr("@last $(distillctl ls -q"));
  EXPECT_THAT(script, HasSubstr("complete -o filenames -F _distillctl distillctl"));
}

TEST(CompletionTest, ZshBuildsOnBash) {
  EXPECT_THAT(CompletionScript("zsh", SomeProgram()), HasSubstr("bashcompinit"));
}

TEST(CompletionTest, FishQuotesHelp) {
  EXPECT_THAT(CompletionScript("fish", SomeProgram()), HasSubstr("-d 'show a job'\\''s state'"));
}

}  // namespace
}  // namespace distill::client
