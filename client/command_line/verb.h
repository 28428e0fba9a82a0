#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/command/commands.h"

namespace distill::client {

/// The command line under construction and, once parsed, what it asks for. Owned by one thread.
struct CommandLine {
  CLI::App app{"Submits and follows training jobs of a distilld server."};
  CommonOptions common;
  AccessFlags access;
  /// What the selected verb needs of what is known about the server.
  enum class Needs { kNothing, kServer, kServerAndToken } needs = Needs::kServerAndToken;
  std::string output = "table";
  std::function<ExitCode(const CommandContext&)> selected;
};

/// Makes `verb` run `run` with the options that its flags fill in, which are returned.
template <typename Options>
std::shared_ptr<Options> Bind(CommandLine& line, CLI::App& verb,
                              std::function<ExitCode(const CommandContext&, const Options&)> run) {
  auto options = std::make_shared<Options>();
  verb.callback([&line, options, run = std::move(run)] {
    line.selected = [options, run](const CommandContext& context) {
      return run(context, *options);
    };
  });
  return options;
}

/// Adds a flag that may be given again and again, with one value each time (or "a,b").
CLI::Option* AddRepeated(CLI::App& verb, const std::string& names, std::vector<std::string>& values,
                         const std::string& help);

/// Adds a flag for a length of time ("90s", "1h30m").
CLI::Option* AddDuration(CLI::App& verb, const std::string& names, const std::string& help,
                         std::function<void(std::chrono::milliseconds)> set);

/// train, eval, submit.
void AddSubmitVerbs(CommandLine& line);
/// ls, show, why, queue, watch, wait, logs, metrics, cancel, pause, resume, requeue, delete.
void AddJobVerbs(CommandLine& line);
/// table, evaluations, report, get-model, artifacts.
void AddResultVerbs(CommandLine& line);
/// dataset, devices, top, version, completion.
void AddServerVerbs(CommandLine& line);
/// login, logout, whoami.
void AddUserVerbs(CommandLine& line);

}  // namespace distill::client
