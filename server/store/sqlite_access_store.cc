#include "server/store/sqlite_access_store.h"

#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "server/store/access_rows.h"
#include "server/store/database_files.h"
#include "server/store/sql_statement.h"
#include "server/store/sqlite_database.h"
#include "server/store/state_directory.h"

namespace distill::server {
namespace {

using Database = SQLite::Database;

class SqliteAccessStore final : public AccessStore {
 public:
  explicit SqliteAccessStore(std::shared_ptr<SqliteDatabase> control)
      : control_(std::move(control)) {}

  Result<int64_t> AddUser(const UserRecord& user, const TokenRecord& token,
                          const AuditRecord& note) override {
    return control_->Write("add user", [&](Database& control) -> Result<int64_t> {
      DISTILL_RETURN_IF_ERROR(access_rows::InsertUser(control, user));
      access_rows::InsertAudit(control, note);
      return access_rows::InsertToken(control, token);
    });
  }

  Result<int64_t> AddToken(const TokenRecord& token, const AuditRecord& note) override {
    return control_->Write("add token", [&](Database& control) {
      access_rows::InsertAudit(control, note);
      return access_rows::InsertToken(control, token);
    });
  }

  Status RemoveUser(const std::string& name, const AuditRecord& note) override {
    return control_->Write("remove user", [&](Database& control) {
      access_rows::InsertAudit(control, note);
      return access_rows::DeleteUser(control, name);
    });
  }

  Status SetRole(const std::string& name, Role role, const AuditRecord& note) override {
    return control_->Write("set role", [&](Database& control) {
      access_rows::InsertAudit(control, note);
      return access_rows::SetRole(control, name, role);
    });
  }

  Result<int> RevokeTokens(const std::string& user, int64_t token,
                           const AuditRecord& note) override {
    TokenRecord which;
    which.id = token;
    which.user = user;
    which.revoked_at_unix_ms = note.at_unix_ms;
    return control_->Write("revoke tokens", [&](Database& control) {
      access_rows::InsertAudit(control, note);
      return access_rows::RevokeTokens(control, which);
    });
  }

  Result<std::vector<UserWithTokens>> ListUsers() override {
    return control_->Read("list users",
                          [](Database& control) -> Result<std::vector<UserWithTokens>> {
                            return access_rows::ListUsers(control);
                          });
  }

  Result<TokenLookup> LookUpToken(const std::string& sha256) override {
    return control_->Read("look up token", [&](Database& control) -> Result<TokenLookup> {
      return access_rows::LookUpToken(control, sha256);
    });
  }

  Result<bool> HasValidToken(int64_t now_unix_ms) override {
    return control_->Read("look for tokens", [&](Database& control) -> Result<bool> {
      return access_rows::HasValidToken(control, now_unix_ms);
    });
  }

  Status AddAudit(const std::vector<AuditRecord>& records) override {
    return control_->Write("add to the audit trail", [&](Database& control) {
      for (const AuditRecord& record : records) access_rows::InsertAudit(control, record);
      return Status::Ok();
    });
  }

  Result<std::vector<AuditRecord>> ListAudit(const AuditQuery& query) override {
    return control_->Read("list the audit trail",
                          [&](Database& control) -> Result<std::vector<AuditRecord>> {
                            return access_rows::ListAudit(control, query);
                          });
  }

  Status PruneAudit(int64_t before_unix_ms, int64_t max_records) override {
    return control_->Write("prune the audit trail", [&](Database& control) {
      access_rows::PruneAudit(control, before_unix_ms, max_records);
      return Status::Ok();
    });
  }

 private:
  const std::shared_ptr<SqliteDatabase> control_;
};

// Returns the schema of a database file, 0 where there is none.
Result<int> SchemaVersionOf(const std::filesystem::path& path, int busy_timeout_ms) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return 0;
  return Guard("open " + path.string(), [&]() -> Result<int> {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY, busy_timeout_ms);
    return static_cast<int>(SelectInt(database, "PRAGMA user_version").value_or(0));
  });
}

}  // namespace

std::unique_ptr<AccessStore> MakeSqliteAccessStore(std::shared_ptr<SqliteDatabase> control) {
  return std::make_unique<SqliteAccessStore>(std::move(control));
}

Result<std::unique_ptr<AccessStore>> OpenSqliteAccessStore(
    const std::filesystem::path& state_directory, const Clock& clock) {
  SqliteDatabaseOptions options;
  options.path = state_directory / kControlFile;
  options.application_id = kControlApplicationId;
  // Only the daemon may change a schema; where none runs, we are in its place for this moment.
  std::optional<StateDirectory> place;
  DISTILL_ASSIGN_OR_RETURN(
      const int version,
      SchemaVersionOf(options.path, static_cast<int>(options.busy_timeout.count())));
  if (version < ControlMigrations().back().version) {
    auto locked = StateDirectory::Lock(state_directory);
    if (!locked.ok() && locked.status().code() == Code::kFailedPrecondition && version > 0) {
      return Status(Code::kFailedPrecondition,
                    "the daemon that runs is older than this program: restart it first");
    }
    DISTILL_ASSIGN_OR_RETURN(place, std::move(locked));
  }
  options.is_guest = !place;
  DISTILL_ASSIGN_OR_RETURN(std::shared_ptr<SqliteDatabase> control,
                           SqliteDatabase::Open(options, ControlMigrations(), clock.UnixMillis()));
  return MakeSqliteAccessStore(std::move(control));
}

}  // namespace distill::server
