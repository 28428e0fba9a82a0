#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/durable_file.h"
#include "tests/access/access_lab.h"
#include "tests/crash/program.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

// Exit codes of distillctl.
constexpr int kOk = 0;
constexpr int kUnreadable = 1;
constexpr int kUsage = 2;
constexpr int kUnreachable = 3;
constexpr int kNotAllowed = 4;

class DaemonAccessTest : public AccessLab {
 protected:
  // An address that others reach, with all that it needs but users.
  std::vector<std::string> OpenOptions() const {
    std::vector<std::string> options = TlsOptions();
    for (const char* more : {"--listen", "0.0.0.0:0", "--worker-user", "root"}) {
      options.emplace_back(more);
    }
    if (::geteuid() != 0) options.resize(options.size() - 2);
    return options;
  }

  static std::string ModeOf(const std::filesystem::path& file) {
    struct stat facts {};
    EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
    const unsigned mode = facts.st_mode & 0777U;
    return {static_cast<char>('0' + (mode >> 6U)), static_cast<char>('0' + ((mode >> 3U) & 7U)),
            static_cast<char>('0' + (mode & 7U))};
  }
};

TEST_F(DaemonAccessTest, AddressThatOthersReachNeedsTlsAndAUser) {
  EXPECT_EQ(StartDaemon({"--listen", "0.0.0.0:0"}), 3);
  EXPECT_THAT(DaemonLog(), HasSubstr("tls_certificate"));

  EXPECT_EQ(StartDaemon(OpenOptions()), 4);
  EXPECT_THAT(DaemonLog(), HasSubstr("distilld user add"));

  AddUser("ada", "--admin");
  EXPECT_EQ(StartDaemon(OpenOptions()), -1);
  EXPECT_EQ(Run("C --server " + address() + " --ca " + Ca() + " ls").exit_code, kNotAllowed);
}

TEST_F(DaemonAccessTest, LastUserRemovedDoesNotOpenAnAddressThatOthersReach) {
  const std::string token = AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  const std::string whoami = "C --server " + address() + " --ca " + Ca() + " whoami";
  EXPECT_EQ(Run("export DISTILL_TOKEN=" + token + "; " + whoami).exit_code, kOk);

  ASSERT_EQ(Run("D user remove ada").exit_code, 0);

  EXPECT_EQ(Run("export DISTILL_TOKEN=" + token + "; " + whoami).exit_code, kNotAllowed);
  EXPECT_EQ(Run(whoami).exit_code, kNotAllowed);
}

TEST_F(DaemonAccessTest, RootDoesNotServeOthersWithWorkersAsRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can";
  AddUser("ada");
  std::vector<std::string> options = OpenOptions();
  options.resize(options.size() - 2);

  EXPECT_EQ(StartDaemon(options), 4);

  EXPECT_THAT(DaemonLog(), HasSubstr("worker_user"));
}

TEST_F(DaemonAccessTest, KeyThatDoesNotBelongIsRefusedAtTheStart) {
  EXPECT_EQ(StartDaemon({"--tls-certificate", (tls() / "server.pem").string(), "--tls-key",
                         (tls() / "ca.key").string()}),
            4);
  EXPECT_THAT(DaemonLog(), HasSubstr("tls_key does not belong"));
}

TEST_F(DaemonAccessTest, LoginStoresATokenThatOnlyItsOwnerReads) {
  const std::string token = AddUser("ada", "--admin");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);

  const Finished login =
      Run("umask 0; C login --server " + address() + " --ca " + Ca(), token + "\n");

  ASSERT_EQ(login.exit_code, kOk) << login.err;
  EXPECT_THAT(login.err, HasSubstr("as ada (admin)"));
  EXPECT_EQ(ModeOf(login_file()), "600");
  EXPECT_EQ(ModeOf(login_file().parent_path()), "700");
  // From now on neither server nor authority nor token need to be said.
  EXPECT_THAT(Run("C whoami").out, HasSubstr("ada (admin) at " + address()));
  EXPECT_EQ(Run("C ls").exit_code, kOk);
  ASSERT_EQ(Run("C logout").exit_code, kOk);
  EXPECT_FALSE(std::filesystem::exists(login_file()));
  EXPECT_EQ(Run("C --server " + address() + " --ca " + Ca() + " ls").exit_code, kNotAllowed);
}

TEST_F(DaemonAccessTest, WrongTokenIsNotStored) {
  const std::string token = AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  std::string wrong = token;
  wrong.back() = wrong.back() == '0' ? '1' : '0';

  EXPECT_EQ(Run("C login --server " + address() + " --ca " + Ca(), wrong).exit_code, kNotAllowed);
  EXPECT_EQ(Run("C login --server " + address() + " --ca " + Ca(), "\n").exit_code, kUsage);

  EXPECT_FALSE(std::filesystem::exists(login_file()));
}

TEST_F(DaemonAccessTest, StoredTokenGoesToNoOtherServer) {
  const std::string token = AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  ASSERT_EQ(Run("C login --server " + address() + " --ca " + Ca(), token).exit_code, kOk);

  // The same daemon under another name is another server.
  const std::string other = "localhost" + address().substr(address().find(':'));
  EXPECT_EQ(Run("C --server " + other + " --ca " + Ca() + " ls").exit_code, kNotAllowed);
}

TEST_F(DaemonAccessTest, OtherAuthorityIsNotTalkedTo) {
  const std::string token = AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  ASSERT_EQ(
      Run(std::string(DISTILL_DEPLOY) + "/tls.sh " + (folder() / "other").string() + " 127.0.0.1")
          .exit_code,
      0);

  const Finished refused = Run("export DISTILL_TOKEN=" + token + "; C --timeout 3s --server " +
                               address() + " --ca " + (folder() / "other/ca.pem").string() + " ls");

  EXPECT_EQ(refused.exit_code, kUnreachable) << refused.err;
}

TEST_F(DaemonAccessTest, PlainTextAtAServerThatSpeaksTlsAndTheOtherWayRoundAreTold) {
  const std::string token = AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  const Finished plain = Run("C --timeout 3s --server " + address() + " ls");
  EXPECT_EQ(plain.exit_code, kUnreachable);
  EXPECT_THAT(plain.err,
              HasSubstr("if it speaks TLS, name the authority of its certificate: --ca"));
  StopDaemon();
  ASSERT_EQ(StartDaemon({"--listen", "127.0.0.1:0"}), -1);

  const Finished tls = Run("C --timeout 3s --server " + address() + " --ca " + Ca() + " ls");

  EXPECT_EQ(tls.exit_code, kUnreachable);
  EXPECT_THAT(tls.err, HasSubstr("if it speaks plain text, leave --ca out"));
}

TEST_F(DaemonAccessTest, TokenIsNotSentInPlainTextToAnotherMachine) {
  const Finished refused =
      Run("export DISTILL_TOKEN=dst_0; C --server 192.0.2.1:50551 --timeout 1s ls");

  EXPECT_EQ(refused.exit_code, kUsage);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("plain text"), HasSubstr("--ca")));
}

TEST_F(DaemonAccessTest, TokenComesFromFileOrVariableAndTheFlagWins) {
  const std::string ada = AddUser("ada");
  const std::string ben = AddUser("ben");
  ASSERT_EQ(StartDaemon({"--listen", "127.0.0.1:0"}), -1);
  ASSERT_TRUE(ReplaceFile(folder() / "ada.token", ada + "\n").ok());
  ASSERT_TRUE(ReplaceFile(folder() / "ben.token", ben + "\n").ok());
  const std::string whoami = "C --server " + address() + " whoami";
  const std::string of_ada = (folder() / "ada.token").string();
  const std::string of_ben = (folder() / "ben.token").string();

  EXPECT_THAT(Run("export DISTILL_TOKEN=" + ada + "; " + whoami).out, HasSubstr("ada (user)"));
  EXPECT_THAT(
      Run("export DISTILL_TOKEN=" + ada + " DISTILL_TOKEN_FILE=" + of_ben + "; " + whoami).out,
      HasSubstr("ben (user)"));
  EXPECT_THAT(
      Run("export DISTILL_TOKEN_FILE=" + of_ben + "; " + whoami + " --token-file " + of_ada).out,
      HasSubstr("ada (user)"));
  EXPECT_EQ(Run(whoami + " --token-file /no/such/file").exit_code, kUnreadable);
}

TEST_F(DaemonAccessTest, RevokedTokenIsOutWhileTheDaemonRunsAndANewOneComesIn) {
  const std::string first = AddUser("ada");
  ASSERT_EQ(StartDaemon({"--listen", "127.0.0.1:0"}), -1);
  const std::string ls = "C --server " + address() + " ls";
  ASSERT_EQ(Run("export DISTILL_TOKEN=" + first + "; " + ls).exit_code, kOk);

  ASSERT_EQ(Run("D user revoke ada").exit_code, 0);

  const Finished refused = Run("export DISTILL_TOKEN=" + first + "; " + ls);
  EXPECT_EQ(refused.exit_code, kNotAllowed);
  EXPECT_THAT(refused.err, HasSubstr("revoked"));
  const Finished renewed = Run("D user token ada --token-days 1");
  ASSERT_EQ(renewed.exit_code, 0);
  EXPECT_EQ(Run("export DISTILL_TOKEN=" + renewed.out.substr(0, renewed.out.find('\n')) + "; " + ls)
                .exit_code,
            kOk);
}

TEST_F(DaemonAccessTest, RoleIsAnotherWhileTheDaemonRunsAndTheTokenHolds) {
  const std::string ada = AddUser("ada");
  ASSERT_EQ(StartDaemon({"--listen", "127.0.0.1:0"}), -1);
  const std::string whoami =
      "export DISTILL_TOKEN=" + ada + "; C --server " + address() + " whoami";
  ASSERT_THAT(Run(whoami).out, HasSubstr("ada (user)"));

  ASSERT_EQ(Run("D user role ada admin").exit_code, 0);
  EXPECT_THAT(Run(whoami).out, HasSubstr("ada (admin)"));
  ASSERT_EQ(Run("D user role ada user").exit_code, 0);
  EXPECT_THAT(Run(whoami).out, HasSubstr("ada (user)"));

  EXPECT_THAT(Run("D audit").out, HasSubstr("\tuser role\tada admin\tOK\tlocal\t"));
  EXPECT_EQ(Run("D user role ada king").exit_code, 2);
  const Finished nobody = Run("D user role eve admin");
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("no user: eve"));
}

TEST_F(DaemonAccessTest, TrailIsPrintedAndNoSecretIsInLogsTrailOrLists) {
  const std::string ada = AddUser("ada", "--admin");
  ASSERT_EQ(StartDaemon({"--listen", "127.0.0.1:0", "--log-level", "debug"}), -1);
  const std::string with_token = "export DISTILL_TOKEN=" + ada + "; C --server " + address() + " ";
  const std::string unknown = "dst_" + std::string(64, 'a');
  Run(with_token + "cancel 99");
  Run(with_token + "cancel \"$(printf 'a\\033[2J\\302\\23331mb\\302\\265')\"");
  Run("export DISTILL_TOKEN=" + unknown + "; C --server " + address() + " ls");
  Run("D user revoke ada");
  const Finished after = Run(with_token + "ls");
  EXPECT_EQ(after.exit_code, kNotAllowed);
  StopDaemon();

  const Finished trail = Run("D audit");
  const Finished users = Run("D user list");

  EXPECT_EQ(trail.exit_code, 0) << trail.err;
  EXPECT_THAT(trail.out, HasSubstr("\tuser add\tada\tOK\tlocal\t"));
  EXPECT_THAT(trail.out, HasSubstr("\tada\tCancelJob\t99\tNOT_FOUND\tipv4:127.0.0.1:"));
  EXPECT_THAT(trail.out, HasSubstr("\tCancelJob\ta?[2J?31mbµ\t"));
  EXPECT_THAT(trail.out, HasSubstr("\t-\tListJobs\t-\tUNAUTHENTICATED\tipv4:127.0.0.1:"));
  EXPECT_THAT(trail.out, HasSubstr("\tuser revoke\tada\tOK\tlocal\t"));
  EXPECT_THAT(Run("D audit -n 1").out, MatchesRegex("[^\n]*\n"));
  EXPECT_THAT(Run("D audit --since 2000-01-01").out, HasSubstr("user add"));
  EXPECT_THAT(Run("D audit --since 0s").out, IsEmpty());
  EXPECT_EQ(Run("D audit --since yesterday").exit_code, 2);
  for (const std::string& text : {DaemonLog(), trail.out, users.out, after.err}) {
    EXPECT_THAT(text, Not(HasSubstr(ada.substr(4))));
    EXPECT_THAT(text, Not(HasSubstr(std::string(64, 'a'))));
  }
}

TEST_F(DaemonAccessTest, HandshakesThatFailDoNotFillTheLog) {
  AddUser("ada");
  ASSERT_EQ(StartDaemon(OpenOptions()), -1);
  const std::string port = address().substr(address().find(':') + 1);

  Run("bash -c 'for i in $(seq 100); do echo GET / >/dev/tcp/127.0.0.1/" + port + "; done'");

  EXPECT_EQ(Run("C --server " + address() + " --ca " + Ca() + " ls").exit_code, kNotAllowed);
  StopDaemon();
  const std::string log = DaemonLog();
  EXPECT_LT(std::count(log.begin(), log.end(), '\n'), 60) << log;
}

TEST_F(DaemonAccessTest, TokenAloneIsOnStandardOutput) {
  EXPECT_THAT(AddUser("ada"), MatchesRegex("dst_[0-9a-f]{64}"));
  const Finished again = Run("D user token ada");
  EXPECT_THAT(again.out, MatchesRegex("dst_[0-9a-f]{64}\n"));
  EXPECT_EQ(ModeOf(state()), "700");
  EXPECT_EQ(ModeOf(state() / "control.db"), "600");
  EXPECT_EQ(Run("D user add 'a b'").exit_code, 1);
  EXPECT_EQ(Run("D user add ada").exit_code, 1);
}

TEST_F(DaemonAccessTest, AMistypedStateFolderIsRefusedAndNotMade) {
  std::filesystem::remove(state());
  for (const std::string verb :
       {"user add ada", "user list", "audit", "rebuild", "rebuild --all"}) {
    const Finished refused = Run("D " + verb);

    EXPECT_EQ(refused.exit_code, 1) << verb;
    EXPECT_THAT(refused.out, IsEmpty()) << verb;
    EXPECT_THAT(refused.err, HasSubstr("there is none: " + state().string() +
                                       "; start distilld, or name it by --state-dir"));
    EXPECT_FALSE(std::filesystem::exists(state())) << verb;
  }
}

TEST_F(DaemonAccessTest, RootWorksOnTheStateFolderOfAnotherAccountAsThatAccount) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can";
  ::chmod(folder().c_str(), 0755);
  ASSERT_EQ(Run("chown nobody " + state().string()).exit_code, 0);

  AddUser("ada");

  struct stat facts {};
  ASSERT_EQ(::stat((state() / "control.db").c_str(), &facts), 0);
  EXPECT_NE(facts.st_uid, 0U);
}

}  // namespace
}  // namespace distill::testing
