#include "client/command_line/completion.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/temp_dir.h"

namespace distill::client {
namespace {

using ::testing::HasSubstr;

CompletionVerb SomeProgram() {
  CompletionVerb program{"distillctl", "", {"--server"}, false, {}, {"--server", "-o"}};
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

// Bash splits --server HOST:PORT into four words; what it completes then is asked of bash itself.
TEST(CompletionTest, BashTakesNoFlagsValueForTheVerb) {
  if (std::system("command -v bash >/dev/null") != 0) GTEST_SKIP() << "needs bash";
  const distill::testing::TempDir folder;
  std::ofstream(folder.path() / "script") << CompletionScript("bash", SomeProgram());
  const auto offered = [&](const std::string& words) {
    const std::string file = (folder.path() / "offered").string();
    const std::string command = "bash -c 'source " + (folder.path() / "script").string() +
                                "; COMP_WORDS=(distillctl " + words +
                                "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _distillctl; "
                                "echo \"${COMPREPLY[*]}\"' >" +
                                file;
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::string line;
    std::ifstream stream(file);
    std::getline(stream, line);
    return line;
  };

  EXPECT_EQ(offered("--server box : 50551 sho"), "show");
  EXPECT_EQ(offered("--server = box : 50551 -o json show --w"), "--wide");
  EXPECT_EQ(offered("--server box : 50551 dataset ad"), "add");
}

TEST(CompletionTest, ZshBuildsOnBash) {
  EXPECT_THAT(CompletionScript("zsh", SomeProgram()), HasSubstr("bashcompinit"));
}

TEST(CompletionTest, FishQuotesHelp) {
  EXPECT_THAT(CompletionScript("fish", SomeProgram()), HasSubstr("-d 'show a job'\\''s state'"));
}

}  // namespace
}  // namespace distill::client
