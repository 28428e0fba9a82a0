#include "client/command_line/completion.h"
#include "client/command_line/verb.h"

namespace distill::client {
namespace {

struct Nothing {};

struct DatasetNames {
  std::string name;
};

struct DatasetListOptions {
  bool quiet = false;
};

struct CompletionOptions {
  std::string shell;
};

void AddDatasetAdd(CommandLine& line, CLI::App& dataset) {
  CLI::App& verb = *dataset.add_subcommand("add", "register a folder of images and check it");
  const auto options = Bind<DatasetAddOptions>(line, verb, DatasetAdd);
  verb.add_option("name", options->name, "what jobs call it")->required();
  verb.add_option("path", options->path,
                  "on the server: class folders, train/val/test folders of them, or a manifest "
                  "(CSV: path,class,split)")
      ->required();
  verb.add_option("--val", options->val_fraction, "share for validation (default 0.1)");
  verb.add_option("--test", options->test_fraction, "share for the test (default 0.2)");
  verb.add_option("--seed", options->seed, "of the split (default 0)");
  verb.add_option("--bad-files", options->bad_files,
                  "files that are no good images: fail (default; lists them) or skip")
      ->type_name("fail|skip");
  verb.add_flag_callback(
      "--no-wait", [options] { options->wait = false; }, "do not wait until it has been scanned");
}

void AddDataset(CommandLine& line) {
  CLI::App& dataset = *line.app.add_subcommand("dataset", "add, list, show, remove data sets");
  dataset.require_subcommand(0, 1);
  dataset.fallthrough();
  AddDatasetAdd(line, dataset);

  CLI::App& list = *dataset.add_subcommand("ls", "list data sets (also without a verb)");
  const auto list_options = Bind<DatasetListOptions>(
      line, list, [](const CommandContext& context, const DatasetListOptions& given) {
        return DatasetList(context, given.quiet);
      });
  list.add_flag("-q,--quiet", list_options->quiet, "print names only");

  CLI::App& show = *dataset.add_subcommand("show", "show classes, counts and bad files");
  const auto shown =
      Bind<DatasetNames>(line, show, [](const CommandContext& context, const DatasetNames& given) {
        return DatasetShow(context, given.name);
      });
  show.add_option("name", shown->name, "the data set")->required();

  CLI::App& remove = *dataset.add_subcommand("rm", "forget a data set; its images stay");
  const auto removed = Bind<DatasetNames>(
      line, remove, [](const CommandContext& context, const DatasetNames& given) {
        return DatasetRemove(context, given.name);
      });
  remove.add_option("name", removed->name, "the data set")->required();

  dataset.callback([&line, &dataset] {
    if (!dataset.get_subcommands().empty()) return;
    line.selected = [](const CommandContext& context) { return DatasetList(context, false); };
  });
}

// Returns what a shell needs to know of a verb and of the verbs under it.
CompletionVerb Describe(const CLI::App& app) {
  CompletionVerb verb;
  verb.name = app.get_name();
  verb.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      verb.takes_jobs = verb.takes_jobs || option->get_name().starts_with("job");
      continue;
    }
    if (option->get_type_size() != 0) {
      for (const std::string& name : option->get_lnames()) verb.value_flags.push_back("--" + name);
      for (const std::string& name : option->get_snames()) verb.value_flags.push_back("-" + name);
    }
    for (const std::string& name : option->get_lnames()) {
      // The reference's spellings work, but need not be offered.
      const bool is_alias = name.find('_') != std::string::npos || name == "Augment";
      if (!is_alias) verb.flags.push_back("--" + name);
    }
  }
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App*) { return true; })) {
    verb.verbs.push_back(Describe(*inner));
  }
  return verb;
}

void AddCompletion(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("completion", "print a completion script for a shell");
  const auto options = Bind<CompletionOptions>(
      line, verb, [&line](const CommandContext& context, const CompletionOptions& given) {
        context.out() << CompletionScript(given.shell, Describe(line.app));
        return ExitCode::kOk;
      });
  verb.parse_complete_callback([&line] { line.needs = CommandLine::Needs::kNothing; });
  verb.add_option("shell", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace

void AddServerVerbs(CommandLine& line) {
  AddDataset(line);
  CLI::App& devices = *line.app.add_subcommand("devices", "list the server's devices");
  Bind<Nothing>(line, devices,
                [](const CommandContext& context, const Nothing&) { return Devices(context); });
  CLI::App& top = *line.app.add_subcommand(
      "top", "show devices and who runs what on them; on a terminal until Ctrl-C");
  const auto top_options = Bind<TopOptions>(line, top, Top);
  top.add_flag("--once", top_options->once, "print once and leave (as when piped)");
  AddDuration(
      top, "--interval", "between two looks (default 2s)",
      [top_options](std::chrono::milliseconds interval) { top_options->interval = interval; });
  CLI::App& version = *line.app.add_subcommand("version", "print the versions of both sides");
  Bind<Nothing>(line, version,
                [](const CommandContext& context, const Nothing&) { return Version(context); });
  AddCompletion(line);
}

}  // namespace distill::client
