#include "server/access/access_gate.h"

#include <gmock/gmock.h>

#include "server/access/token.h"
#include "tests/fakes/fake_access_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

class AccessGateTest : public ::testing::Test {
 protected:
  // Returns the new token of a new user.
  std::string Add(const std::string& name, Role role = Role::kUser, int64_t expires_in_ms = 0) {
    const std::string text = MakeToken().value();
    TokenRecord token;
    token.user = name;
    token.sha256 = HashOfToken(text);
    if (expires_in_ms != 0) token.expires_at_unix_ms = clock_.UnixMillis() + expires_in_ms;
    EXPECT_OK(store_.AddUser({name, role, 0}, token, {}));
    return text;
  }

  Result<Caller> Identify(const std::string& authorization, const std::string& claimed = "eve") {
    return AccessGate(options_, store_, clock_).Identify({authorization, claimed});
  }

  AccessGateOptions options_;
  testing::FakeAccessStore store_;
  testing::FakeClock clock_;
};

TEST_F(AccessGateTest, WithoutUsersTheNameIsTakenAsGivenAndMayDoAll) {
  const Caller caller = AccessGate(options_, store_, clock_).Identify({{}, "eve"}).value();

  EXPECT_EQ(caller.name, "eve");
  EXPECT_FALSE(caller.is_verified);
  EXPECT_TRUE(AccessGate::MayChange(caller, "ada"));
}

TEST_F(AccessGateTest, AddressThatOthersReachAsksForATokenEvenWithoutUsers) {
  options_.always_asks_token = true;

  EXPECT_THAT(AccessGate(options_, store_, clock_).Identify({{}, "eve"}),
              StatusIs(Code::kUnauthenticated, HasSubstr("none came")));
}

TEST_F(AccessGateTest, TokenSaysWhoCallsWhateverNameIsClaimed) {
  const std::string token = Add("ada", Role::kAdmin);

  for (const char* scheme : {"Bearer ", "bearer ", "BEARER "}) {
    const auto caller = Identify(scheme + token, "eve");
    ASSERT_OK(caller);
    EXPECT_EQ(caller->name, "ada");
    EXPECT_EQ(caller->role, Role::kAdmin);
    EXPECT_TRUE(caller->is_verified);
  }
}

TEST_F(AccessGateTest, WithUsersNobodyComesInWithoutATokenThatHolds) {
  const std::string token = Add("ada");
  const std::string other = MakeToken().value();

  EXPECT_THAT(AccessGate(options_, store_, clock_).Identify({{}, "ada"}),
              StatusIs(Code::kUnauthenticated, HasSubstr("none came")));
  for (const std::string& wrong : std::vector<std::string>{
           "", token, "Basic " + token, "Bearer", "Bearer ", "Bearer " + other, "Bearer  " + token,
           "Bearer " + token + " ", "Bearer " + token.substr(1), "Bearer " + HashOfToken(token)}) {
    EXPECT_THAT(Identify(wrong),
                StatusIs(Code::kUnauthenticated,
                         AllOf(HasSubstr("not one of this server"), HasSubstr("distillctl login"),
                               Not(HasSubstr(token.substr(4))), Not(HasSubstr(other.substr(4))))))
        << wrong;
  }
}

TEST_F(AccessGateTest, TokenIsOutAtTheMomentItExpires) {
  const std::string token = Add("ada", Role::kUser, /*expires_in_ms=*/1000);

  clock_.Advance(std::chrono::milliseconds(999));
  EXPECT_OK(Identify("Bearer " + token));
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_THAT(Identify("Bearer " + token),
              StatusIs(Code::kUnauthenticated, HasSubstr("has expired")));
}

TEST_F(AccessGateTest, RevokedTokenAndRemovedUserAreOutAtOnce) {
  const std::string ada = Add("ada");
  const std::string ben = Add("ben");
  AuditRecord note;
  note.at_unix_ms = clock_.UnixMillis();

  ASSERT_OK(store_.RevokeTokens("ada", 0, note));
  EXPECT_THAT(Identify("Bearer " + ada), StatusIs(Code::kUnauthenticated, HasSubstr("revoked")));
  EXPECT_OK(Identify("Bearer " + ben));
  ASSERT_OK(store_.RemoveUser("ada", note));
  EXPECT_THAT(Identify("Bearer " + ada),
              StatusIs(Code::kUnauthenticated, HasSubstr("not one of this server")));
}

TEST_F(AccessGateTest, UsersChangeOwnThingsAndAdminsAll) {
  const Caller ada = Identify("Bearer " + Add("ada")).value();
  const Caller root = Identify("Bearer " + Add("root", Role::kAdmin)).value();

  EXPECT_TRUE(AccessGate::MayChange(ada, "ada"));
  EXPECT_FALSE(AccessGate::MayChange(ada, "ben"));
  EXPECT_TRUE(AccessGate::MayChange(root, "ben"));
}

TEST_F(AccessGateTest, PrivateJobsAreSeenByOwnersAndAdminsOnly) {
  const Caller ada = Identify("Bearer " + Add("ada")).value();
  const Caller root = Identify("Bearer " + Add("root", Role::kAdmin)).value();
  EXPECT_TRUE(AccessGate(options_, store_, clock_).MaySeeJob(ada, "ben"));
  options_.has_private_jobs = true;
  const AccessGate gate(options_, store_, clock_);

  EXPECT_FALSE(gate.MaySeeJob(ada, "ben"));
  EXPECT_TRUE(gate.MaySeeJob(ada, "ada"));
  EXPECT_TRUE(gate.MaySeeJob(root, "ben"));
}

}  // namespace
}  // namespace distill::server
