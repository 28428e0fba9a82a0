#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace distill::server {

/// The numbers are stored.
enum class Role : int { kUser = 1, kAdmin = 2 };

inline std::string_view RoleName(Role role) { return role == Role::kAdmin ? "admin" : "user"; }

struct UserRecord {
  std::string name;
  Role role = Role::kUser;
  int64_t created_at_unix_ms = 0;
};

/// What is kept of a token: never the token itself.
struct TokenRecord {
  int64_t id = 0;
  std::string user;
  std::string sha256;  // of the token, hexadecimal
  int64_t created_at_unix_ms = 0;
  int64_t expires_at_unix_ms = 0;  // 0 = never
  int64_t revoked_at_unix_ms = 0;  // 0 = it was not
};

inline bool IsExpired(const TokenRecord& token, int64_t now_unix_ms) {
  return token.expires_at_unix_ms != 0 && token.expires_at_unix_ms <= now_unix_ms;
}
inline bool IsValid(const TokenRecord& token, int64_t now_unix_ms) {
  return token.revoked_at_unix_ms == 0 && !IsExpired(token, now_unix_ms);
}

/// A call that was refused, or something that was done to a job, a data set or a user.
struct AuditRecord {
  int64_t id = 0;
  int64_t at_unix_ms = 0;
  std::string user;     // "" = nobody known
  std::string method;   // "CancelJob"; "user add"
  std::string target;   // the job, data set or user; "" = none
  std::string outcome;  // "OK", or the error's code
  std::string message;  // of the error
  std::string peer;     // where from, as gRPC names it; "local" for the daemon's own commands
};

}  // namespace distill::server
