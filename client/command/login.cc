#include <filesystem>
#include <system_error>

#include "client/command/commands.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

std::string RoleText(v1::Role role) { return role == v1::ROLE_ADMIN ? "admin" : "user"; }

std::string Describe(const v1::WhoAmIResponse& who) {
  return who.name() + " (" + RoleText(who.role()) + ")";
}

std::string ValidityText(const v1::WhoAmIResponse& who) {
  if (who.token_expires_at_unix_ms() == 0) return "the token does not expire";
  return "the token holds until " + TimeText(who.token_expires_at_unix_ms());
}

// Asks at the terminal, or takes the first line of standard input.
std::string ReadToken(const Environment& environment) {
  if (environment.ask_secret) return environment.ask_secret("token: ");
  std::string line;
  std::getline(environment.in, line);
  return line;
}

std::string WithoutBlanks(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') kept.push_back(c);
  }
  return kept;
}

}  // namespace

ExitCode Login(const CommandContext& context) {
  ServerAccess access = context.access();
  access.token = WithoutBlanks(ReadToken(context.environment()));
  if (access.token.empty()) return context.FailWith(ExitCode::kUsage, "no token was given");
  if (const Status safe = CheckTokenIsSafe(access); !safe.ok()) {
    return context.FailWith(ExitCode::kUsage, safe.message());
  }
  const auto who = context.ClientFor(access)->WhoAmI();
  if (!who.ok()) return context.Fail(who.status());
  if (!who->is_verified()) {
    return context.FailWith(ExitCode::kError, "there is nothing to log in to: " + access.server +
                                                  " has no users and asks for no token");
  }
  const Status stored = StoreLogin(access, context.environment());
  if (!stored.ok()) return context.FailWith(ExitCode::kError, stored.message());
  context.Note("logged in at " + access.server + " as " + Describe(*who) + "; " +
               ValidityText(*who));
  return ExitCode::kOk;
}

ExitCode Logout(const CommandContext& context) {
  const std::string file = LoginFile(context.environment());
  std::error_code error;
  const bool was_there = !file.empty() && std::filesystem::remove(file, error);
  if (error) return context.FailWith(ExitCode::kError, file + ": " + error.message());
  context.Note(was_there ? "the token is forgotten here; it holds until it expires or an admin "
                           "revokes it (distilld user revoke)"
                         : "nobody was logged in");
  return ExitCode::kOk;
}

ExitCode WhoAmI(const CommandContext& context) {
  const auto who = context.client().WhoAmI();
  if (!who.ok()) return context.Fail(who.status());
  if (context.is_json()) {
    context.out() << ToJson(*who);
    return ExitCode::kOk;
  }
  context.out() << Describe(*who) << " at " << context.server() << '\n';
  context.Note(who->is_verified()
                   ? ValidityText(*who)
                   : "this server has no users: it takes the name as given, and asks for no token");
  return ExitCode::kOk;
}

}  // namespace distill::client
