#include "server/access/access_gate.h"

#include <string_view>

#include "server/access/token.h"

namespace distill::server {
namespace {

constexpr std::string_view kRemedy = "log in with a token that holds: distillctl login";

Status Refused(std::string_view why) {
  return {Code::kUnauthenticated, std::string(why) + "; " + std::string(kRemedy)};
}

// Returns the token of "Bearer TOKEN"; the scheme's case does not matter (RFC 9110, 11.1).
std::string_view TokenOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  return authorization.substr(kScheme.size());
}

}  // namespace

Result<Caller> AccessGate::Identify(const Credentials& credentials) const {
  const std::string_view token =
      credentials.authorization ? TokenOf(*credentials.authorization) : std::string_view();
  const std::string sha256 = IsTokenForm(token) ? HashOfToken(token) : "";
  DISTILL_ASSIGN_OR_RETURN(const TokenLookup found, store_.LookUpToken(sha256));
  Caller caller;
  if (!found.has_users && !options_.always_asks_token) {
    caller.name = credentials.claimed_name;
    return caller;
  }
  if (!credentials.authorization) return Refused("this server asks for a token, and none came");
  if (!found.token) return Refused("the token is not one of this server");
  if (found.token->revoked_at_unix_ms != 0) return Refused("the token was revoked");
  if (IsExpired(*found.token, clock_.UnixMillis())) return Refused("the token has expired");
  caller.name = found.token->user;
  caller.role = found.role;
  caller.is_verified = true;
  caller.token_expires_at_unix_ms = found.token->expires_at_unix_ms;
  return caller;
}

}  // namespace distill::server
