#include "server/store/access_rows.h"

#include <algorithm>

#include "server/store/sql_statement.h"

namespace distill::server::access_rows {
namespace {

constexpr char kSelectTokens[] =
    "SELECT id, user, sha256, created_at_unix_ms, expires_at_unix_ms, revoked_at_unix_ms FROM "
    "token ";

TokenRecord ReadToken(RowReader& row) {
  TokenRecord token;
  token.id = row.Int64();
  token.user = row.Text();
  token.sha256 = row.Text();
  token.created_at_unix_ms = row.Int64();
  token.expires_at_unix_ms = row.Int64();
  token.revoked_at_unix_ms = row.Int64();
  return token;
}

Status NoUser(const std::string& name) { return {Code::kNotFound, "no user: " + name}; }

bool HasUser(SQLite::Database& control, const std::string& name) {
  return SelectInt(control, "SELECT 1 FROM user WHERE name = ?", name).has_value();
}

}  // namespace

Status InsertUser(SQLite::Database& control, const UserRecord& user) {
  if (HasUser(control, user.name)) {
    return {Code::kAlreadyExists, "a user has this name: " + user.name};
  }
  Execute(control, "INSERT INTO user (name, role, created_at_unix_ms) VALUES (?, ?, ?)", user.name,
          static_cast<int>(user.role), user.created_at_unix_ms);
  return {};
}

Result<int64_t> InsertToken(SQLite::Database& control, const TokenRecord& token) {
  if (!HasUser(control, token.user)) return NoUser(token.user);
  Execute(control,
          "INSERT INTO token (user, sha256, created_at_unix_ms, expires_at_unix_ms)"
          " VALUES (?, ?, ?, ?)",
          token.user, token.sha256, token.created_at_unix_ms, token.expires_at_unix_ms);
  return static_cast<int64_t>(control.getLastInsertRowid());
}

Status SetRole(SQLite::Database& control, const std::string& name, Role role) {
  const int changed =
      Execute(control, "UPDATE user SET role = ? WHERE name = ?", static_cast<int>(role), name);
  return changed == 1 ? Status::Ok() : NoUser(name);
}

Status DeleteUser(SQLite::Database& control, const std::string& name) {
  const int changed = Execute(control, "DELETE FROM user WHERE name = ?", name);
  return changed == 1 ? Status::Ok() : NoUser(name);
}

Result<int> RevokeTokens(SQLite::Database& control, const TokenRecord& which) {
  if (!HasUser(control, which.user)) return NoUser(which.user);
  if (which.id == 0) {
    return Execute(control,
                   "UPDATE token SET revoked_at_unix_ms = ? WHERE user = ? AND"
                   " revoked_at_unix_ms = 0",
                   which.revoked_at_unix_ms, which.user);
  }
  if (!SelectInt(control, "SELECT 1 FROM token WHERE id = ? AND user = ?", which.id, which.user)) {
    return Status(Code::kNotFound,
                  "no token of " + which.user + " has this number: " + std::to_string(which.id));
  }
  return Execute(control,
                 "UPDATE token SET revoked_at_unix_ms = ? WHERE id = ? AND revoked_at_unix_ms = 0",
                 which.revoked_at_unix_ms, which.id);
}

std::vector<UserWithTokens> ListUsers(SQLite::Database& control) {
  std::vector<UserWithTokens> users;
  SQLite::Statement query(control, "SELECT name, role, created_at_unix_ms FROM user ORDER BY name");
  while (query.executeStep()) {
    RowReader row(query);
    UserWithTokens entry;
    entry.user.name = row.Text();
    entry.user.role = row.As<Role>();
    entry.user.created_at_unix_ms = row.Int64();
    SQLite::Statement tokens(control, std::string(kSelectTokens) + "WHERE user = ? ORDER BY id");
    BindAll(tokens, entry.user.name);
    while (tokens.executeStep()) {
      RowReader token_row(tokens);
      entry.tokens.push_back(ReadToken(token_row));
    }
    users.push_back(std::move(entry));
  }
  return users;
}

TokenLookup LookUpToken(SQLite::Database& control, const std::string& sha256) {
  TokenLookup lookup;
  lookup.has_users = SelectInt(control, "SELECT 1 FROM user LIMIT 1").has_value();
  if (!lookup.has_users || sha256.empty()) return lookup;
  SQLite::Statement query(control, std::string(kSelectTokens) + "WHERE sha256 = ?");
  BindAll(query, sha256);
  if (!query.executeStep()) return lookup;
  RowReader row(query);
  lookup.token = ReadToken(row);
  const auto role = SelectInt(control, "SELECT role FROM user WHERE name = ?", lookup.token->user);
  lookup.role = static_cast<Role>(role.value_or(static_cast<int>(Role::kUser)));
  return lookup;
}

bool HasValidToken(SQLite::Database& control, int64_t now_unix_ms) {
  return SelectInt(control,
                   "SELECT 1 FROM token WHERE revoked_at_unix_ms = 0 AND"
                   " (expires_at_unix_ms = 0 OR expires_at_unix_ms > ?) LIMIT 1",
                   now_unix_ms)
      .has_value();
}

void InsertAudit(SQLite::Database& control, const AuditRecord& record) {
  Execute(control,
          "INSERT INTO audit (at_unix_ms, user, method, target, outcome, message, peer)"
          " VALUES (?, ?, ?, ?, ?, ?, ?)",
          record.at_unix_ms, record.user, record.method, record.target, record.outcome,
          record.message, record.peer);
}

std::vector<AuditRecord> ListAudit(SQLite::Database& control, const AuditQuery& query) {
  std::vector<AuditRecord> records;
  SQLite::Statement select(control,
                           "SELECT id, at_unix_ms, user, method, target, outcome, message, peer"
                           " FROM audit WHERE at_unix_ms >= ? ORDER BY id DESC LIMIT ?");
  BindAll(select, query.since_unix_ms, query.limit);
  while (select.executeStep()) {
    RowReader row(select);
    AuditRecord record;
    record.id = row.Int64();
    record.at_unix_ms = row.Int64();
    record.user = row.Text();
    record.method = row.Text();
    record.target = row.Text();
    record.outcome = row.Text();
    record.message = row.Text();
    record.peer = row.Text();
    records.push_back(std::move(record));
  }
  std::reverse(records.begin(), records.end());
  return records;
}

void PruneAudit(SQLite::Database& control, int64_t before_unix_ms, int64_t max_records) {
  Execute(control, "DELETE FROM audit WHERE at_unix_ms < ?", before_unix_ms);
  Execute(control, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", max_records);
}

}  // namespace distill::server::access_rows
