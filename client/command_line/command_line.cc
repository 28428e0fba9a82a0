#include "client/command_line/command_line.h"

#include <array>
#include <string_view>
#include <utility>

#include "client/command_line/suggestion.h"
#include "client/command_line/verb.h"
#include "client/output/printable_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

struct Hint {
  std::string_view flag;
  std::string_view hint;
};

// Flags of the reference system that have no equal here, and what to do instead.
constexpr std::array kHints{
    Hint{"--save_path", "jobs have names instead of folders: --name"},
    Hint{"--resume", "an interrupted job resumes by itself; else: distillctl requeue JOB"},
    Hint{"--train_path", "register the images once: distillctl dataset add, then --dataset"},
    Hint{"--val_path", "register the images once: distillctl dataset add, then --dataset"},
    Hint{"--test_path", "register the images once: distillctl dataset add, then --dataset"},
    Hint{"--label_path", "class names come from the data set's folders"},
    Hint{"--config", "what it set are flags: --schedule, --seed, --cutout, or a job file"},
    Hint{"--image_channel", "images have three channels"},
    Hint{"--task", "name the splits: distillctl eval JOB --split val,test"},
    Hint{"--half", "train and evaluate in mixed precision with --amp"},
    Hint{"--visual", "see docs/from-the-reference.md"},
    Hint{"--tsne", "see docs/from-the-reference.md"}};

void AddCommonFlags(CommandLine& line) {
  line.app.add_option("--server", line.access.server,
                      "host:port of distilld (default: $DISTILL_SERVER, else where you logged in, "
                      "else 127.0.0.1:50551)");
  line.app.add_option(
      "--ca", line.access.ca,
      "file of the authority of the server's certificate, or system; without, plain "
      "text (also: $DISTILL_CA)");
  line.app.add_option("--token-file", line.access.token_file,
                      "file of your token (also: $DISTILL_TOKEN_FILE, $DISTILL_TOKEN)");
  line.app.add_option(
      "--client-certificate", line.access.client_certificate,
      "file to show a server that asks for one (also: $DISTILL_CLIENT_CERTIFICATE)");
  line.app.add_option("--client-key", line.access.client_key,
                      "its private key (also: $DISTILL_CLIENT_KEY)");
  line.app.add_option("-o,--output", line.output, "form of the output")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  line.app.add_flag("--no-color", line.common.no_color, "no colours (also: $NO_COLOR)");
  AddDuration(line.app, "--timeout", "longest wait for an answer of the server (default 10s)",
              [&line](std::chrono::milliseconds timeout) { line.common.timeout = timeout; });
}

void PrintHints(const std::vector<std::string>& arguments, std::ostream& err) {
  for (const std::string& argument : arguments) {
    const std::string_view flag = std::string_view(argument).substr(0, argument.find('='));
    for (const Hint& hint : kHints) {
      if (flag == hint.flag) err << hint.flag << ": " << hint.hint << '\n';
    }
  }
}

// Returns the program and the verbs that were given, each under the one before.
std::vector<const CLI::App*> GivenVerbs(const CLI::App& app) {
  std::vector<const CLI::App*> given = {&app};
  while (!given.back()->get_subcommands().empty()) {
    given.push_back(given.back()->get_subcommands().front());
  }
  return given;
}

// Returns the word that stands where a verb should, or "" when there is none.
std::string UnknownVerb(const CLI::App& app) {
  const CLI::App& last = *GivenVerbs(app).back();
  const auto all = [](const CLI::App*) { return true; };
  if (last.get_subcommands(all).empty()) return "";
  for (const std::string& argument : app.remaining(/*recurse=*/true)) {
    if (argument.substr(0, 1) != "-") return argument;
  }
  return "";
}

void PrintUnknownVerb(const CLI::App& app, const std::string& verb, std::ostream& err) {
  const std::vector<const CLI::App*> given = GivenVerbs(app);
  std::vector<std::string> names;
  for (const CLI::App* known :
       given.back()->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(known->get_name());
  }
  std::string path = "distillctl";
  for (size_t index = 1; index < given.size(); ++index) path += " " + given[index]->get_name();
  const std::string nearest = NearestWord(verb, names);
  err << "distillctl: no such verb: " << verb << "; "
      << (nearest.empty() ? "" : "did you mean " + nearest + "? ") << path
      << " --help lists them\n";
}

// Says of each unknown flag which was probably meant.
void PrintSuggestions(const CLI::App& app, std::ostream& err) {
  std::vector<std::string> flags;
  for (const CLI::App* given : GivenVerbs(app)) {
    for (const CLI::Option* option : given->get_options()) {
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    }
  }
  for (const std::string& argument : app.remaining(/*recurse=*/true)) {
    if (argument.substr(0, 2) != "--") continue;
    const std::string nearest = NearestWord(argument.substr(0, argument.find('=')), flags);
    if (!nearest.empty()) err << "did you mean " << nearest << "?\n";
  }
}

// Prints what was wrong with the command line, or the help that it asked for.
ExitCode ReportParseError(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments, Environment& environment) {
  const std::string verb = error.get_exit_code() == 0 ? "" : UnknownVerb(app);
  if (!verb.empty()) {
    PrintUnknownVerb(app, verb, environment.err);
    return ExitCode::kUsage;
  }
  if (app.exit(error, environment.out, environment.err) == 0) return ExitCode::kOk;
  PrintSuggestions(app, environment.err);
  PrintHints(arguments, environment.err);
  return ExitCode::kUsage;
}

Result<ServerAccess> ResolveFor(const CommandLine& line, const Environment& environment) {
  if (line.needs == CommandLine::Needs::kNothing) return ServerAccess();
  if (line.needs == CommandLine::Needs::kServer) return ResolveServer(line.access, environment);
  return ResolveAccess(line.access, environment);
}

Status Finish(CommandLine& line, const Environment& environment) {
  line.common.output = line.output == "json" ? OutputFormat::kJson : OutputFormat::kTable;
  line.common.no_color = line.common.no_color || !environment.variable("NO_COLOR").empty();
  DISTILL_ASSIGN_OR_RETURN(line.common.access, ResolveFor(line, environment));
  return {};
}

}  // namespace

CLI::Option* AddRepeated(CLI::App& verb, const std::string& names, std::vector<std::string>& values,
                         const std::string& help) {
  return verb.add_option(names, values, help)->allow_extra_args(false);
}

CLI::Option* AddDuration(CLI::App& verb, const std::string& names, const std::string& help,
                         std::function<void(std::chrono::milliseconds)> set) {
  return verb
      .add_option_function<std::string>(
          names,
          [names, set = std::move(set)](const std::string& text) {
            const auto duration = ParseDuration(text);
            if (!duration.ok()) throw CLI::ValidationError(names, duration.status().message());
            set(*duration);
          },
          help)
      ->type_name("TIME");
}

ExitCode RunCommandLine(const std::vector<std::string>& arguments, Environment& environment) {
  const PrintableScope out(environment.out);
  const PrintableScope err(environment.err);
  CommandLine line;
  line.app.name("distillctl");
  line.app.require_subcommand(1);
  line.app.fallthrough();  // common flags may stand after the verb
  line.app.set_version_flag("--version", "distillctl " + ClientVersion());
  line.app.footer("distillctl VERB --help tells the flags of a verb.");
  AddCommonFlags(line);
  AddSubmitVerbs(line);
  AddJobVerbs(line);
  AddResultVerbs(line);
  AddServerVerbs(line);
  AddUserVerbs(line);
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return ReportParseError(line.app, error, arguments, environment);
  }
  if (const Status status = Finish(line, environment); !status.ok()) {
    environment.err << "distillctl: " << status.message() << std::endl;
    // Else a file that cannot be read.
    const bool is_usage =
        status.code() == Code::kFailedPrecondition || status.code() == Code::kInvalidArgument;
    return is_usage ? ExitCode::kUsage : ExitCode::kError;
  }
  return line.selected(CommandContext(environment, line.common));
}

}  // namespace distill::client
