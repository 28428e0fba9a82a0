#include "server/store/sqlite_access_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "core/base/durable_file.h"
#include "server/access/token.h"
#include "server/store/state_directory.h"
#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::StatusIs;

AuditRecord NoteAt(int64_t at_unix_ms, std::string method = "user add") {
  AuditRecord note;
  note.at_unix_ms = at_unix_ms;
  note.user = "root";
  note.method = std::move(method);
  note.outcome = "OK";
  note.peer = "local";
  return note;
}

TokenRecord TokenOf(std::string user, const std::string& text, int64_t expires_at_unix_ms = 0) {
  TokenRecord token;
  token.user = std::move(user);
  token.sha256 = HashOfToken(text);
  token.created_at_unix_ms = 1;
  token.expires_at_unix_ms = expires_at_unix_ms;
  return token;
}

// The daemon's own access store, and one of a second process beside it.
class SqliteAccessStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SqliteJobStoreOptions options;
    options.state_directory = dir_.path() / "state";
    auto opened = OpenSqliteStores(options, clock_);
    ASSERT_OK(opened);
    stores_ = std::move(opened).value();
    auto beside = OpenSqliteAccessStore(dir_.path() / "state", clock_);
    ASSERT_OK(beside);
    beside_ = std::move(beside).value();
  }

  AccessStore& daemon() { return *stores_.access; }
  AccessStore& beside() { return *beside_; }

  Result<int64_t> Add(const std::string& name, Role role = Role::kUser) {
    return beside().AddUser({name, role, 5}, TokenOf(name, "token of " + name), NoteAt(5));
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  SqliteStores stores_;
  std::unique_ptr<AccessStore> beside_;
};

TEST_F(SqliteAccessStoreTest, DaemonFindsAtOnceWhatACommandAdded) {
  EXPECT_FALSE(daemon().LookUpToken("")->has_users);
  ASSERT_OK(Add("ada", Role::kAdmin));

  const auto lookup = daemon().LookUpToken(HashOfToken("token of ada"));

  ASSERT_OK(lookup);
  EXPECT_TRUE(lookup->has_users);
  ASSERT_TRUE(lookup->token.has_value());
  EXPECT_EQ(lookup->token->user, "ada");
  EXPECT_EQ(lookup->role, Role::kAdmin);
  EXPECT_FALSE(daemon().LookUpToken(HashOfToken("another"))->token.has_value());
}

TEST_F(SqliteAccessStoreTest, TakenNameLeavesUserTokensAndTrailAsTheyWere) {
  ASSERT_OK(Add("ada"));

  EXPECT_THAT(daemon().AddUser({"ada", Role::kAdmin, 9}, TokenOf("ada", "other"), NoteAt(9)),
              StatusIs(Code::kAlreadyExists, HasSubstr("ada")));

  EXPECT_THAT(daemon().ListUsers()->front().tokens, SizeIs(1));
  EXPECT_EQ(daemon().ListUsers()->front().user.role, Role::kUser);
  EXPECT_THAT(*daemon().ListAudit({}), SizeIs(1));
}

TEST_F(SqliteAccessStoreTest, RemovedUserHasNoTokensLeft) {
  ASSERT_OK(Add("ada"));
  ASSERT_OK(Add("ben"));

  ASSERT_OK(beside().RemoveUser("ada", NoteAt(6, "user remove")));

  EXPECT_FALSE(daemon().LookUpToken(HashOfToken("token of ada"))->token.has_value());
  EXPECT_TRUE(daemon().LookUpToken(HashOfToken("token of ben"))->token.has_value());
  EXPECT_THAT(beside().RemoveUser("ada", NoteAt(7)), StatusIs(Code::kNotFound, HasSubstr("ada")));
}

TEST_F(SqliteAccessStoreTest, RoleIsAnotherAtTheNextLookAndTheTokensHold) {
  ASSERT_OK(Add("ada"));
  ASSERT_OK(Add("ben"));
  const auto role_of = [&](const std::string& token) {
    return daemon().LookUpToken(HashOfToken(token))->role;
  };

  ASSERT_OK(beside().SetRole("ada", Role::kAdmin, NoteAt(6, "user role")));

  EXPECT_EQ(role_of("token of ada"), Role::kAdmin);
  EXPECT_EQ(role_of("token of ben"), Role::kUser);
  EXPECT_THAT(*daemon().ListAudit({6, 100}), ElementsAre(Field(&AuditRecord::method, "user role")));
  ASSERT_OK(beside().SetRole("ada", Role::kUser, NoteAt(7)));
  EXPECT_EQ(role_of("token of ada"), Role::kUser);
  EXPECT_THAT(beside().SetRole("eve", Role::kAdmin, NoteAt(8)),
              StatusIs(Code::kNotFound, HasSubstr("eve")));
  EXPECT_THAT(*daemon().ListAudit({8, 100}), IsEmpty());
}

TEST_F(SqliteAccessStoreTest, RevokesOneTokenOrAllOfAUser) {
  const int64_t first = Add("ada").value();
  const int64_t second = beside().AddToken(TokenOf("ada", "second"), NoteAt(6)).value();
  ASSERT_OK(Add("ben"));

  EXPECT_EQ(beside().RevokeTokens("ada", first, NoteAt(7)).value(), 1);
  EXPECT_EQ(daemon().LookUpToken(HashOfToken("token of ada"))->token->revoked_at_unix_ms, 7);
  EXPECT_EQ(daemon().LookUpToken(HashOfToken("second"))->token->revoked_at_unix_ms, 0);
  EXPECT_EQ(beside().RevokeTokens("ada", 0, NoteAt(8)).value(), 1);
  EXPECT_EQ(daemon().LookUpToken(HashOfToken("second"))->token->revoked_at_unix_ms, 8);
  EXPECT_EQ(daemon().LookUpToken(HashOfToken("token of ben"))->token->revoked_at_unix_ms, 0);
  EXPECT_THAT(beside().RevokeTokens("ben", second, NoteAt(9)), HasCode(Code::kNotFound));
  EXPECT_THAT(beside().RevokeTokens("eve", 0, NoteAt(9)), HasCode(Code::kNotFound));
}

TEST_F(SqliteAccessStoreTest, TokenOfNobodyIsNotAdded) {
  EXPECT_THAT(beside().AddToken(TokenOf("eve", "x"), NoteAt(6)),
              StatusIs(Code::kNotFound, HasSubstr("eve")));
  EXPECT_THAT(*daemon().ListAudit({}), IsEmpty());
}

TEST_F(SqliteAccessStoreTest, ValidTokenIsOneThatIsNeitherExpiredNorRevoked) {
  EXPECT_FALSE(daemon().HasValidToken(100).value());
  ASSERT_OK(beside().AddUser({"ada", Role::kUser, 1}, TokenOf("ada", "a", 100), NoteAt(1)));

  EXPECT_TRUE(daemon().HasValidToken(99).value());
  EXPECT_FALSE(daemon().HasValidToken(100).value());
  const int64_t eternal = beside().AddToken(TokenOf("ada", "b"), NoteAt(2)).value();
  EXPECT_TRUE(daemon().HasValidToken(100).value());
  ASSERT_OK(beside().RevokeTokens("ada", eternal, NoteAt(3)));
  EXPECT_FALSE(daemon().HasValidToken(100).value());
}

TEST_F(SqliteAccessStoreTest, TrailIsListedOldestFirstAndCutByAgeAndCount) {
  ASSERT_OK(daemon().AddAudit({NoteAt(1, "a"), NoteAt(2, "b"), NoteAt(3, "c"), NoteAt(4, "d")}));
  const auto method = [](const char* name) { return Field(&AuditRecord::method, name); };

  EXPECT_THAT(*beside().ListAudit({2, 2}), ElementsAre(method("c"), method("d")));
  EXPECT_THAT(*beside().ListAudit({3, 100}), ElementsAre(method("c"), method("d")));
  ASSERT_OK(daemon().PruneAudit(/*before_unix_ms=*/2, /*max_records=*/100));
  EXPECT_THAT(*beside().ListAudit({}), ElementsAre(method("b"), method("c"), method("d")));
  ASSERT_OK(daemon().PruneAudit(/*before_unix_ms=*/0, /*max_records=*/2));
  EXPECT_THAT(*beside().ListAudit({}), ElementsAre(method("c"), method("d")));
}

TEST_F(SqliteAccessStoreTest, TokenItselfIsNowhereOnDisk) {
  const std::string text = MakeToken().value();
  ASSERT_OK(beside().AddUser({"ada", Role::kUser, 1}, TokenOf("ada", text), NoteAt(1)));

  for (const auto& entry : std::filesystem::directory_iterator(dir_.path() / "state")) {
    const auto content = ReadFile(entry.path());
    ASSERT_OK(content);
    EXPECT_EQ(content->find(text.substr(4)), std::string::npos) << entry.path();
  }
}

TEST_F(SqliteAccessStoreTest, CommandWithoutADaemonMakesTheFolder) {
  const auto store = OpenSqliteAccessStore(dir_.path() / "fresh" / "state", clock_);

  ASSERT_OK(store);
  ASSERT_OK((*store)->AddUser({"ada", Role::kUser, 1}, TokenOf("ada", "a"), NoteAt(1)));
  SqliteJobStoreOptions options;
  options.state_directory = dir_.path() / "fresh" / "state";
  const auto daemon = OpenSqliteStores(options, clock_);
  ASSERT_OK(daemon);
  EXPECT_TRUE(daemon->access->LookUpToken("")->has_users);
}

TEST_F(SqliteAccessStoreTest, CommandDoesNotChangeTheSchemaUnderADaemon) {
  const std::filesystem::path state = dir_.path() / "old";
  std::filesystem::create_directory(state);
  SQLite::Database(state / "control.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("PRAGMA user_version = 1");
  const auto daemon = StateDirectory::Lock(state);
  ASSERT_OK(daemon);

  EXPECT_THAT(OpenSqliteAccessStore(state, clock_),
              StatusIs(Code::kFailedPrecondition, HasSubstr("restart it first")));
}

}  // namespace
}  // namespace distill::server
