#include "client/server_access.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "core/base/durable_file.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::client {
namespace {

using distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAuthority[] =
    "-----BEGIN CERTIFICATE-----\nof the flag\n-----END CERTIFICATE-----\n";

class ServerAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    environment_.variable = [this](const char* name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::string() : found->second;
    };
    variables_["HOME"] = dir_.path().string();
  }

  std::string Write(const std::string& name, const std::string& content) {
    EXPECT_OK(ReplaceFile(dir_.path() / name, content));
    return dir_.path() / name;
  }

  ServerAccess Stored() {
    ServerAccess access;
    access.server = "box:1";
    access.token = "stored token";
    access.ca = "-----BEGIN\n stored: 'authority'\n-----END\n";
    return access;
  }

  distill::testing::TempDir dir_;
  std::map<std::string, std::string> variables_;
  std::ostringstream out_;
  std::istringstream in_;
  Cancellation interrupt_;
  Environment environment_{out_, out_, in_, interrupt_};
};

TEST_F(ServerAccessTest, DefaultIsLoopbackInPlainTextWithoutAToken) {
  const ServerAccess access = ResolveAccess({}, environment_).value();

  EXPECT_EQ(access.server, "127.0.0.1:50551");
  EXPECT_FALSE(access.uses_tls());
  EXPECT_EQ(access.token, "");
}

TEST_F(ServerAccessTest, WhatWasStoredComesBackWordForWord) {
  ASSERT_OK(StoreLogin(Stored(), environment_));

  const ServerAccess access = ResolveAccess({}, environment_).value();

  EXPECT_EQ(access.server, "box:1");
  EXPECT_EQ(access.token, "stored token");
  EXPECT_EQ(access.ca, Stored().ca);
}

TEST_F(ServerAccessTest, FlagsWinOverVariablesAndTheseOverTheLogin) {
  ASSERT_OK(StoreLogin(Stored(), environment_));
  variables_["DISTILL_TOKEN"] = " of the variable\n";
  EXPECT_EQ(ResolveAccess({}, environment_)->token, "of the variable");
  variables_["DISTILL_TOKEN_FILE"] = Write("one", "of the file\n");
  EXPECT_EQ(ResolveAccess({}, environment_)->token, "of the file");
  AccessFlags flags;
  flags.token_file = Write("two", "of the flag");
  flags.ca = Write("ca", kAuthority);

  EXPECT_EQ(ResolveAccess(flags, environment_)->token, "of the flag");
  EXPECT_EQ(ResolveAccess(flags, environment_)->ca, kAuthority);
}

TEST_F(ServerAccessTest, LoginAtOneServerIsNotUsedForAnother) {
  ASSERT_OK(StoreLogin(Stored(), environment_));
  variables_["DISTILL_SERVER"] = "127.0.0.1:7";

  const ServerAccess access = ResolveAccess({}, environment_).value();

  EXPECT_EQ(access.server, "127.0.0.1:7");
  EXPECT_EQ(access.token, "");
  EXPECT_EQ(access.ca, "");
}

TEST_F(ServerAccessTest, TokenInPlainTextGoesToThisMachineOnly) {
  variables_["DISTILL_TOKEN"] = "t";
  for (const char* server : {"127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/x"}) {
    AccessFlags flags;
    flags.server = server;
    EXPECT_OK(ResolveAccess(flags, environment_)) << server;
  }
  for (const char* server :
       {"box:1", "192.0.2.1:1", "127.example.org.evil:1", "localhost.evil:1"}) {
    AccessFlags flags;
    flags.server = server;
    EXPECT_THAT(ResolveAccess(flags, environment_),
                StatusIs(Code::kFailedPrecondition, HasSubstr("plain text")))
        << server;
  }
}

TEST_F(ServerAccessTest, LoginThatOthersMayOpenIsRefused) {
  ASSERT_OK(StoreLogin(Stored(), environment_));
  std::filesystem::permissions(LoginFile(environment_), std::filesystem::perms(0640));

  EXPECT_THAT(ResolveAccess({}, environment_),
              StatusIs(Code::kFailedPrecondition, HasSubstr("chmod 600")));
}

TEST_F(ServerAccessTest, BrokenLoginIsNamedWithoutItsContent) {
  ASSERT_OK(StoreLogin(Stored(), environment_));
  ASSERT_OK(ReplaceFile(LoginFile(environment_), "token: [secret"));

  EXPECT_THAT(ResolveAccess({}, environment_),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("log in again"), Not(HasSubstr("secret")))));
  ASSERT_OK(ReplaceFile(LoginFile(environment_), std::string("token: \x01\xff\n\0x", 12)));
  EXPECT_THAT(ResolveAccess({}, environment_),
              StatusIs(Code::kFailedPrecondition, HasSubstr("log in again")));
}

TEST_F(ServerAccessTest, FilesThatAreMissingAreNamedWithTheirFlag) {
  AccessFlags flags;
  flags.token_file = "/no/such/token";
  EXPECT_THAT(ResolveAccess(flags, environment_).status().message(),
              AllOf(HasSubstr("--token-file"), HasSubstr("/no/such/token")));
  flags = {};
  flags.ca = "/no/such/ca";
  EXPECT_THAT(ResolveAccess(flags, environment_).status().message(), HasSubstr("--ca"));
  flags = {};
  flags.client_key = Write("key", "k");
  EXPECT_THAT(ResolveAccess(flags, environment_).status().message(), HasSubstr("go together"));
}

}  // namespace
}  // namespace distill::client
