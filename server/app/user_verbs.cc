#include "server/app/user_verbs.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "server/access/token.h"
#include "server/app/state_owner.h"
#include "server/app/utc_time.h"
#include "server/spec/name_rules.h"
#include "server/store/sqlite_access_store.h"

namespace distill::server {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr int kDefaultTokenDays = 365;
constexpr int kMaxTokenDays = 36'500;

struct UserOptions {
  std::string name;
  bool is_admin = false;
  std::string role;
  int token_days = kDefaultTokenDays;  // 0 = for ever
  int64_t token = 0;                   // 0 = all
};

// One command under `user`: works on the store, prints its data.
using Command = std::function<Status(AccessStore&, const UserOptions&, AuditRecord)>;

struct NewToken {
  std::string text;
  TokenRecord record;
};

Result<NewToken> MakeTokenFor(const UserOptions& options, int64_t now_unix_ms) {
  NewToken token;
  DISTILL_ASSIGN_OR_RETURN(token.text, MakeToken());
  token.record.user = options.name;
  token.record.sha256 = HashOfToken(token.text);
  token.record.created_at_unix_ms = now_unix_ms;
  if (options.token_days > 0) {
    token.record.expires_at_unix_ms = now_unix_ms + options.token_days * kDayMs;
  }
  return token;
}

// The token goes to standard output alone, so that a script can take it.
void PrintToken(const NewToken& token, int64_t id) {
  std::cout << token.text << '\n';
  std::cerr << "token " << id << " of " << token.record.user << ", valid "
            << (token.record.expires_at_unix_ms == 0
                    ? std::string("for ever")
                    : "until " + UtcTime(token.record.expires_at_unix_ms))
            << "; it is not shown again. Its holder: distillctl login\n";
}

Status Add(AccessStore& store, const UserOptions& options, const AuditRecord& note) {
  if (!IsName(options.name) || IsDigits(options.name)) {
    return {
        Code::kInvalidArgument,
        "a user's name must be [a-zA-Z0-9][a-zA-Z0-9._-]{0,62}, not all digits: " + options.name};
  }
  UserRecord user;
  user.name = options.name;
  user.role = options.is_admin ? Role::kAdmin : Role::kUser;
  user.created_at_unix_ms = note.at_unix_ms;
  DISTILL_ASSIGN_OR_RETURN(const NewToken token, MakeTokenFor(options, note.at_unix_ms));
  DISTILL_ASSIGN_OR_RETURN(const int64_t id, store.AddUser(user, token.record, note));
  PrintToken(token, id);
  return {};
}

Status AddTokenTo(AccessStore& store, const UserOptions& options, const AuditRecord& note) {
  DISTILL_ASSIGN_OR_RETURN(const NewToken token, MakeTokenFor(options, note.at_unix_ms));
  DISTILL_ASSIGN_OR_RETURN(const int64_t id, store.AddToken(token.record, note));
  PrintToken(token, id);
  return {};
}

Status Remove(AccessStore& store, const UserOptions& options, const AuditRecord& note) {
  DISTILL_RETURN_IF_ERROR(store.RemoveUser(options.name, note));
  DISTILL_ASSIGN_OR_RETURN(const auto left, store.ListUsers());
  if (left.empty()) {
    std::cerr << "that was the last user: on a loopback address the daemon now asks nobody for a "
                 "token\n";
  }
  return {};
}

Status SetRole(AccessStore& store, const UserOptions& options, const AuditRecord& note) {
  const Role role = options.role == RoleName(Role::kAdmin) ? Role::kAdmin : Role::kUser;
  return store.SetRole(options.name, role, note);
}

Status Revoke(AccessStore& store, const UserOptions& options, const AuditRecord& note) {
  DISTILL_ASSIGN_OR_RETURN(const int count, store.RevokeTokens(options.name, options.token, note));
  std::cerr << "tokens revoked: " << count << '\n';
  return {};
}

std::string StateOf(const TokenRecord& token, int64_t now_unix_ms) {
  if (token.revoked_at_unix_ms != 0) return "revoked " + UtcTime(token.revoked_at_unix_ms);
  if (token.expires_at_unix_ms == 0) return "for ever";
  return (IsExpired(token, now_unix_ms) ? "expired " : "until ") +
         UtcTime(token.expires_at_unix_ms);
}

Status List(AccessStore& store, const UserOptions&, const AuditRecord& note) {
  DISTILL_ASSIGN_OR_RETURN(const auto users, store.ListUsers());
  for (const UserWithTokens& entry : users) {
    std::cout << entry.user.name << '\t' << RoleName(entry.user.role) << "\tsince "
              << UtcTime(entry.user.created_at_unix_ms) << '\n';
    for (const TokenRecord& token : entry.tokens) {
      std::cout << "\ttoken " << token.id << '\t' << StateOf(token, note.at_unix_ms) << '\n';
    }
  }
  return {};
}

int RunCommand(const Config& config, const std::string& verb, const UserOptions& options,
               const Command& command) {
  const auto run = [&]() -> Status {
    AuditRecord note;
    note.at_unix_ms = SystemClock().UnixMillis();
    note.user = AccountName();
    note.method = verb;
    note.target = options.role.empty() ? options.name : options.name + " " + options.role;
    note.outcome = "OK";
    note.peer = "local";
    DISTILL_RETURN_IF_ERROR(BecomeOwnerOf(config.state_dir));
    DISTILL_ASSIGN_OR_RETURN(const auto store,
                             OpenSqliteAccessStore(config.state_dir, SystemClock()));
    return command(*store, options, note);
  };
  const Status status = run();
  if (status.ok()) return 0;
  std::cerr << "distilld: " << verb << ": " << status.message() << '\n';
  return 1;
}

// What the parsers fill in, until the verb runs.
struct Chosen {
  UserOptions options;
  std::string verb;
  Command command;
};

CLI::App& AddCommand(CLI::App& parser, const std::shared_ptr<Chosen>& chosen, const char* name,
                     const char* summary, const Command& command) {
  CLI::App& added = *parser.add_subcommand(name, summary);
  added.fallthrough();
  added.final_callback([chosen, name, command] {
    chosen->verb = std::string("user ") + name;
    chosen->command = command;
  });
  return added;
}

void AddName(CLI::App& command, UserOptions& options) {
  command.add_option("name", options.name, "the user")->required();
}

void AddTokenDays(CLI::App& command, UserOptions& options) {
  command.add_option("--token-days", options.token_days, "how long the token holds; 0 = for ever")
      ->check(CLI::Range(0, kMaxTokenDays))
      ->capture_default_str();
}

AdminVerb::Run DeclareUser(CLI::App& parser) {
  const auto chosen = std::make_shared<Chosen>();
  UserOptions& options = chosen->options;
  parser.require_subcommand(1);
  CLI::App& add = AddCommand(parser, chosen, "add", "add a user and print the first token", Add);
  AddName(add, options);
  AddTokenDays(add, options);
  add.add_flag("--admin", options.is_admin, "may act on the jobs and data sets of all");
  AddCommand(parser, chosen, "list", "list users and their tokens", List);
  CLI::App& remove = AddCommand(parser, chosen, "remove",
                                "remove a user; the jobs and their owner's name stay", Remove);
  AddName(remove, options);
  CLI::App& role = AddCommand(parser, chosen, "role",
                              "make a user an admin, or an admin a user, at once", SetRole);
  AddName(role, options);
  role.add_option("role", options.role, "user, or admin: may act on the jobs and data sets of all")
      ->required()
      ->check(
          CLI::IsMember({std::string(RoleName(Role::kUser)), std::string(RoleName(Role::kAdmin))}));
  CLI::App& token =
      AddCommand(parser, chosen, "token", "print a new token; earlier ones hold", AddTokenTo);
  AddName(token, options);
  AddTokenDays(token, options);
  CLI::App& revoke = AddCommand(parser, chosen, "revoke", "end tokens of a user at once", Revoke);
  AddName(revoke, options);
  revoke.add_option("--token", options.token, "its number in `user list`; all without")
      ->check(CLI::PositiveNumber);
  return [chosen](const Config& config) {
    return RunCommand(config, chosen->verb, chosen->options, chosen->command);
  };
}

}  // namespace

AdminVerb UserVerb() {
  return {"user", "add, list and remove users and their tokens, while the daemon may run",
          DeclareUser};
}

}  // namespace distill::server
