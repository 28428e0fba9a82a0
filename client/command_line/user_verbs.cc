#include "client/command_line/verb.h"

namespace distill::client {
namespace {

struct NoFlags {};

void AddUserVerb(CommandLine& line, const char* name, const char* summary, CommandLine::Needs needs,
                 ExitCode (*run)(const CommandContext&)) {
  CLI::App& verb = *line.app.add_subcommand(name, summary);
  Bind<NoFlags>(line, verb,
                [run](const CommandContext& context, const NoFlags&) { return run(context); });
  verb.parse_complete_callback([&line, needs] { line.needs = needs; });
}

}  // namespace

void AddUserVerbs(CommandLine& line) {
  using Needs = CommandLine::Needs;
  AddUserVerb(line, "login",
              "store a token, which is asked for or read from standard input, with the server's "
              "address and authority",
              Needs::kServer, Login);
  AddUserVerb(line, "logout", "forget the stored token", Needs::kNothing, Logout);
  AddUserVerb(line, "whoami", "print whom the server takes you for", Needs::kServerAndToken,
              WhoAmI);
}

}  // namespace distill::client
