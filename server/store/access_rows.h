#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/access/access_store.h"

namespace SQLite {
class Database;
}

/// Rows of users, tokens and the audit trail. Each function runs in its caller's transaction and
/// lets SQLite::Exception pass; the errors are those of AccessStore's function of the same name.
namespace distill::server::access_rows {

Status InsertUser(SQLite::Database& control, const UserRecord& user);
Result<int64_t> InsertToken(SQLite::Database& control, const TokenRecord& token);
Status SetRole(SQLite::Database& control, const std::string& name, Role role);
Status DeleteUser(SQLite::Database& control, const std::string& name);
Result<int> RevokeTokens(SQLite::Database& control, const TokenRecord& which);
std::vector<UserWithTokens> ListUsers(SQLite::Database& control);
TokenLookup LookUpToken(SQLite::Database& control, const std::string& sha256);
bool HasValidToken(SQLite::Database& control, int64_t now_unix_ms);

void InsertAudit(SQLite::Database& control, const AuditRecord& record);
std::vector<AuditRecord> ListAudit(SQLite::Database& control, const AuditQuery& query);
void PruneAudit(SQLite::Database& control, int64_t before_unix_ms, int64_t max_records);

}  // namespace distill::server::access_rows
