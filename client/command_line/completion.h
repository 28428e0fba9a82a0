#pragma once

#include <string>
#include <vector>

namespace distill::client {

/// What a shell's completion knows of a verb.
struct CompletionVerb {
  std::string name;
  std::string help;
  std::vector<std::string> flags;  // "--name"
  bool takes_jobs = false;
  std::vector<CompletionVerb> verbs;
  std::vector<std::string> value_flags{};  // "--server", "-o": those that a value follows
};

/// Returns the completion script for `shell` ("bash", "zsh" or "fish"). Job names are asked of the
/// server when they are needed, with a short deadline.
std::string CompletionScript(const std::string& shell, const CompletionVerb& program);

}  // namespace distill::client
