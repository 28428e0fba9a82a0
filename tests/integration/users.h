#pragma once

#include <memory>
#include <string>

#include "server/access/token.h"
#include "tests/integration/test_server.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {

/// Adds a user with a token that holds for `lifetime` (0 = for ever). Returns the token.
inline std::string AddUser(TestServer& server, const std::string& name, Role role = Role::kUser,
                           std::chrono::milliseconds lifetime = {}) {
  const std::string text = MakeToken().value();
  TokenRecord token;
  token.user = name;
  token.sha256 = HashOfToken(text);
  token.created_at_unix_ms = server.access_clock().UnixMillis();
  if (lifetime.count() > 0) {
    token.expires_at_unix_ms = token.created_at_unix_ms + lifetime.count();
  }
  EXPECT_OK(server.access_store().AddUser({name, role, token.created_at_unix_ms}, token, {}));
  return text;
}

/// Returns a note for the audit trail.
inline AuditRecord NoteAt(int64_t unix_ms) {
  AuditRecord note;
  note.at_unix_ms = unix_ms;
  return note;
}

/// Returns a context with a deadline and a token, which claims to be another user.
inline std::unique_ptr<grpc::ClientContext> As(const std::string& token,
                                               const std::string& claimed = "mallory") {
  auto context = Context(claimed);
  context->AddMetadata("authorization", "Bearer " + token);
  return context;
}

}  // namespace distill::server
