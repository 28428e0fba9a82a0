#include "server/app/config.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>

#include "server/app/admin_verb.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// `greet --name NAME` prints nothing and returns the length of the name.
AdminVerb Greet() {
  return {"greet", "says hello", [](CLI::App& parser) -> AdminVerb::Run {
            auto name = std::make_shared<std::string>();
            parser.add_option("--name", *name)->required();
            return [name](const Config&) { return static_cast<int>(name->size()); };
          }};
}

Result<CommandLine> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "distilld");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), {Greet()});
}

TEST(ConfigTest, DefaultsAreValidAndComplete) {
  const CommandLine line = Parse({}).value();

  EXPECT_EQ(line.action, CommandLine::Action::kServe);
  EXPECT_EQ(line.config.listen, "127.0.0.1:50551");
  EXPECT_TRUE(line.config.state_dir.is_absolute());
  EXPECT_GE(line.config.worker_threads, 1);
}

TEST(ConfigTest, FlagsWinOverTheFile) {
  const testing::TempDir dir;
  const std::string file = dir.path() / "distilld.toml";
  std::ofstream(file) << "listen = '127.0.0.1:1'\nmax_queued_jobs = 7\ndevices = ['0', 'cpu']\n";

  const Config config = Parse({"--config", file.c_str(), "--listen", "127.0.0.1:2"}).value().config;

  EXPECT_EQ(config.listen, "127.0.0.1:2");
  EXPECT_EQ(config.max_queued_jobs, 7);
  EXPECT_THAT(config.devices, ElementsAre("0", "cpu"));
}

TEST(ConfigTest, ListsOfTheCommandLineReplaceThoseBefore) {
  const Config config = Parse({"--dataset-roots", "/a,/b"}).value().config;

  EXPECT_THAT(config.dataset_roots, ElementsAre("/a", "/b"));
}

TEST(ConfigTest, UnknownKeysAndWrongTypesAreNamedWithTheirLines) {
  Config config;

  EXPECT_THAT(ReadToml("listne = 'x'\n\nreflection = 1\n", "f.toml", config),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("f.toml:1: unknown key: listne"),
                             HasSubstr("f.toml:3: must be true or false: reflection"))));
}

// Found by tests/fuzz/config_fuzzer: toml++ 3.3 ran into what it holds to be unreachable.
TEST(ConfigTest, CharactersBeyondAsciiMayStandInStringsAndCommentsOnly) {
  Config config;

  EXPECT_OK(
      ReadToml("# größe\nlog_file = '/größe' # é\nstate_dir = \"/\\\"é\"\n"
               "weights_dir = '''\n/é'''\n",
               "f.toml", config));
  EXPECT_EQ(config.log_file, "/größe");
  for (const std::string wrong :
       {"\n\xEF\xB2\xBF# x", "\né = 1", "\nlog_level = é", "\nx = 'a' é"}) {
    EXPECT_THAT(ReadToml(wrong, "f.toml", config),
                StatusIs(Code::kFailedPrecondition, HasSubstr("f.toml:2: not text")));
  }
}

TEST(ConfigTest, BrokenFileIsNamedWithItsLine) {
  Config config;

  EXPECT_THAT(ReadToml("listen = \n", "f.toml", config),
              StatusIs(Code::kFailedPrecondition, HasSubstr("f.toml:1")));
}

TEST(ConfigTest, ReportsAllWrongValuesAtOnce) {
  EXPECT_THAT(Parse({"--listen", "0.0.0.0:50551", "--dataset-roots", "relative", "--devices", "tpu",
                     "--log-level", "loud", "--max-queued-jobs", "0"}),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("loopback"), HasSubstr("absolute paths: relative"),
                             HasSubstr("tpu"), HasSubstr("loud"), HasSubstr("max_queued_jobs"))));
}

TEST(ConfigTest, OtherAddressesThanLoopbackNeedTls) {
  EXPECT_THAT(Parse({"--listen", "0.0.0.0:1"}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("tls_certificate")));
  EXPECT_THAT(
      Parse({"--listen", "0.0.0.0:1", "--tls-certificate", "/c.pem", "--tls-key", "/c.key"}),
      IsOk());
  EXPECT_THAT(Parse({"--listen", "127.example.org:1"}), HasCode(Code::kFailedPrecondition));
}

TEST(ConfigTest, OptionsOfTlsGoTogether) {
  EXPECT_THAT(Parse({"--tls-certificate", "/c.pem"}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("go together")));
  EXPECT_THAT(Parse({"--tls-key", "/c.key"}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("go together")));
  EXPECT_THAT(Parse({"--tls-client-ca", "/ca.pem"}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("tls_client_ca")));
}

TEST(ConfigTest, UnknownFlagsAreUsageErrors) {
  EXPECT_THAT(Parse({"--no-such-flag"}), StatusIs(Code::kInvalidArgument, HasSubstr("no-such")));
}

TEST(ConfigTest, PrintedConfigReadsBackEqual) {
  const Config config =
      Parse({"--listen", "[::1]:0", "--no-reflection", "--allow-torchscript"}).value().config;
  Config again;

  ASSERT_OK(ReadToml(ToToml(config), "printed", again));

  EXPECT_EQ(ToToml(again), ToToml(config));
  EXPECT_FALSE(again.reflection);
  EXPECT_TRUE(again.allow_torchscript);
  EXPECT_FALSE(Config().allow_torchscript);
}

TEST(ConfigTest, GroupsOfUsersAreReadCheckedAndPrinted) {
  const std::string toml =
      "user_groups = [{name = 'lab', users = ['ann', 'bob'], max_running_jobs = 4}]\n";
  Config config;
  ASSERT_OK(ReadToml(toml, "f.toml", config));
  ASSERT_EQ(config.user_groups.size(), 1U);
  EXPECT_EQ(config.user_groups[0].users.size(), 2U);
  EXPECT_EQ(config.user_groups[0].max_running_jobs, 4);
  EXPECT_EQ(config.user_groups[0].max_devices, 0);
  ASSERT_OK(FinishConfig(config));
  Config again;
  ASSERT_OK(ReadToml(ToToml(config), "printed", again));
  EXPECT_EQ(ToToml(again), ToToml(config));

  EXPECT_THAT(ReadToml("user_groups = [{nmae = 'lab'}]\n", "f.toml", config),
              StatusIs(Code::kFailedPrecondition, HasSubstr("user_groups")));
  config.user_groups = {{"lab", {"ann"}, 0, 0}, {"lab", {}, 0, 0}};
  config.preemption_margin = 0;
  EXPECT_THAT(FinishConfig(config),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("name of its own"), HasSubstr("must have users: lab"),
                             HasSubstr("preemption_margin must lie in 1 to 200: 0"))));
}

TEST(ConfigTest, VerbRunsWithItsOwnAndTheDaemonsOptions) {
  const testing::TempDir dir;
  const std::string file = dir.path() / "distilld.toml";
  std::ofstream(file) << "max_queued_jobs = 7\n";

  const CommandLine line =
      Parse({"--config", file.c_str(), "greet", "--name", "ann", "--state-dir", "/s"}).value();

  ASSERT_EQ(line.action, CommandLine::Action::kRunVerb);
  EXPECT_EQ(line.run_verb(line.config), 3);
  EXPECT_EQ(line.config.state_dir, "/s");
  EXPECT_EQ(line.config.max_queued_jobs, 7);
}

TEST(ConfigTest, VerbChecksItsOptionsAndHasItsOwnHelp) {
  EXPECT_THAT(Parse({"greet"}), StatusIs(Code::kInvalidArgument, HasSubstr("--name")));
  EXPECT_THAT(Parse({"leave"}), StatusIs(Code::kInvalidArgument, HasSubstr("leave")));
  EXPECT_THAT(Parse({"greet", "--help"}).value().text, HasSubstr("--name"));
  EXPECT_THAT(Parse({"--help"}).value().text, HasSubstr("says hello"));
}

TEST(ConfigTest, HelpAndVersionPrintText) {
  EXPECT_EQ(Parse({"--help"}).value().action, CommandLine::Action::kPrintText);
  EXPECT_THAT(Parse({"--version"}).value().text, HasSubstr("distilld "));
}

// toml++ (3.3) does not expect a character beyond ASCII in a bare word; a quote within one, or one
// that is not closed, opens no string.
TEST(ConfigTest, CharactersBeyondAsciiOutsideOfStringsAreRefusedByLine) {
  for (const char* const text : {"a = 8'\xc3\xa9'", "a = 'x\xc3\xa9\nb = 1",
                                 "qu= 88441-e'u\xef\xbb\xbf\n'", "\xc3\xa9 = 1"}) {
    Config config;
    EXPECT_THAT(ReadToml(text, "f.toml", config),
                StatusIs(Code::kFailedPrecondition, HasSubstr("f.toml:1: not text")));
  }
  for (const char* const text :
       {"state_dir = '/\xc3\xa9'", "state_dir = \"\"\"/\xc3\xa9\"\"\"",
        "# \xc3\xa9\n dataset_roots = [ '/a', # \xc3\xa9\n '/\xc3\xa9']"}) {
    Config config;
    EXPECT_THAT(ReadToml(text, "f.toml", config), IsOk()) << text;
  }
}

}  // namespace
}  // namespace distill::server
