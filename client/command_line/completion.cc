#include "client/command_line/completion.h"

#include <algorithm>

namespace distill::client {
namespace {

constexpr const char* kJobNames = "distillctl ls -q -n 200 --timeout 0.3s 2>/dev/null";

std::string Joined(const std::vector<std::string>& words, const char* between = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string VerbNames(const CompletionVerb& verb) {
  std::vector<std::string> names;
  for (const CompletionVerb& inner : verb.verbs) names.push_back(inner.name);
  return Joined(names);
}

// Returns `text` fit to stand between single quotes.
std::string Quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted;
}

// Returns the branches of a bash `case` over the verbs.
std::string BashCases(const CompletionVerb& program, const std::string& common) {
  std::string cases;
  for (const CompletionVerb& verb : program.verbs) {
    std::vector<std::string> flags = verb.flags;
    for (const CompletionVerb& inner : verb.verbs) {
      flags.insert(flags.end(), inner.flags.begin(), inner.flags.end());
    }
    cases += "    " + verb.name + ")\n      flags='" + Joined(flags) + " " + common + "'\n";
    if (verb.takes_jobs) cases += "      words=\"@last $(" + std::string(kJobNames) + ")\"\n";
    if (!verb.verbs.empty()) cases += "      words='" + VerbNames(verb) + "'\n";
    if (verb.name == "completion") cases += "      words='bash zsh fish'\n";
    cases += "      ;;\n";
  }
  return cases;
}

std::string Bash(const CompletionVerb& program) {
  const std::string common = Joined(program.flags);
  return "# bash completion of distillctl: source <(distillctl completion bash)\n"
         "_distillctl() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" verb='' flags='' words='' word skip=''\n"
         "  COMPREPLY=()\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         // Bash splits words at : and =, so that what follows these is of a flag's value too.
         "    case \"$word\" in :|=) skip=1; continue ;; esac\n"
         "    if [[ -n \"$skip\" ]]; then skip=''; continue; fi\n"
         "    case \"$word\" in\n" +
         (program.value_flags.empty()
              ? ""
              : "      " + Joined(program.value_flags, "|") + ") skip=1 ;;\n") +
         "      -*) ;;\n"
         "      *) verb=\"$word\"; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$verb\" in\n" +
         BashCases(program, common) + "    *)\n      flags='" + common + "'\n      words='" +
         VerbNames(program) +
         "'\n      ;;\n"
         "  esac\n"
         "  if [[ \"$current\" == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\") $(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _distillctl distillctl\n";
}

std::string Zsh(const CompletionVerb& program) {
  return "# zsh completion of distillctl: source <(distillctl completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         Bash(program);
}

std::string FishVerb(const CompletionVerb& verb) {
  const std::string seen = "complete -c distillctl -n '__fish_seen_subcommand_from " + verb.name;
  std::string script = "complete -c distillctl -f -n __fish_use_subcommand -a " + verb.name +
                       " -d '" + Quoted(verb.help) + "'\n";
  for (const std::string& flag : verb.flags) script += seen + "' -l " + flag.substr(2) + "\n";
  if (verb.takes_jobs) {
    script += seen + "' -f -a '@last (" + std::string(kJobNames) + ")'\n";
  }
  for (const CompletionVerb& inner : verb.verbs) {
    script += seen + "' -f -a " + inner.name + " -d '" + Quoted(inner.help) + "'\n";
    for (const std::string& flag : inner.flags) script += seen + "' -l " + flag.substr(2) + "\n";
  }
  return script;
}

std::string Fish(const CompletionVerb& program) {
  std::string script = "# fish completion of distillctl: distillctl completion fish | source\n";
  for (const std::string& flag : program.flags) {
    script += "complete -c distillctl -l " + flag.substr(2) + "\n";
  }
  for (const CompletionVerb& verb : program.verbs) script += FishVerb(verb);
  return script;
}

}  // namespace

std::string CompletionScript(const std::string& shell, const CompletionVerb& program) {
  if (shell == "zsh") return Zsh(program);
  if (shell == "fish") return Fish(program);
  return Bash(program);
}

}  // namespace distill::client
