#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/access/user.h"

namespace distill::server {

struct UserWithTokens {
  UserRecord user;
  std::vector<TokenRecord> tokens;  // by id
};

/// What the store knows of a token, and of whether tokens are in use at all.
struct TokenLookup {
  bool has_users = false;
  std::optional<TokenRecord> token;  // revoked and expired ones too
  Role role = Role::kUser;           // of the token's user
};

struct AuditQuery {
  int64_t since_unix_ms = 0;
  int limit = 100;  // the newest so many
};

/// Keeps users, the hashes of their tokens, and the audit trail.
/// Thread-safe, and safe beside another process that uses the same store. Every call blocks on
/// disk. All calls: kUnavailable: another process holds the store, a retry may help.
/// kResourceExhausted: the disk is full. kDataLoss: the database is damaged.
class AccessStore {
 public:
  virtual ~AccessStore() = default;

  /// Adds a user with a first token, and `note` to the audit trail; all or nothing, durable on
  /// return. Returns the token's id. kAlreadyExists: the name is taken.
  virtual Result<int64_t> AddUser(const UserRecord& user, const TokenRecord& token,
                                  const AuditRecord& note) = 0;
  /// Adds a token to a user. kNotFound: there is no such user.
  virtual Result<int64_t> AddToken(const TokenRecord& token, const AuditRecord& note) = 0;
  /// Removes a user with all tokens. kNotFound: there is no such user.
  virtual Status RemoveUser(const std::string& name, const AuditRecord& note) = 0;
  /// Gives a user another role; the tokens hold. kNotFound: there is no such user.
  virtual Status SetRole(const std::string& name, Role role, const AuditRecord& note) = 0;
  /// Revokes one token of a user, or all (`token` = 0) that still hold. Returns how many that were.
  /// kNotFound: no such user, or no such token of that user.
  virtual Result<int> RevokeTokens(const std::string& user, int64_t token,
                                   const AuditRecord& note) = 0;
  /// By name.
  virtual Result<std::vector<UserWithTokens>> ListUsers() = 0;

  virtual Result<TokenLookup> LookUpToken(const std::string& sha256) = 0;
  /// Returns whether anybody could come in at that time.
  virtual Result<bool> HasValidToken(int64_t now_unix_ms) = 0;

  /// Adds to the audit trail, all in one transaction.
  virtual Status AddAudit(const std::vector<AuditRecord>& records) = 0;
  /// Oldest first.
  virtual Result<std::vector<AuditRecord>> ListAudit(const AuditQuery& query) = 0;
  /// Drops what is older than `before_unix_ms`, and all but the newest `max_records`.
  virtual Status PruneAudit(int64_t before_unix_ms, int64_t max_records) = 0;
};

}  // namespace distill::server
