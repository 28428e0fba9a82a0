#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client/environment.h"
#include "client/exit_code.h"
#include "client/job_client.h"
#include "client/output/text_table.h"
#include "client/server_access.h"

namespace distill::client {

enum class OutputFormat { kTable, kJson };

/// Flags that every command takes.
struct CommonOptions {
  ServerAccess access;
  OutputFormat output = OutputFormat::kTable;
  bool no_color = false;
  std::chrono::milliseconds timeout{10'000};
};

/// What a command works with. Owned by one thread, but for client().
class CommandContext {
 public:
  CommandContext(Environment& environment, CommonOptions options);

  const JobClient& client() const { return client_; }
  Environment& environment() const { return environment_; }
  std::ostream& out() const { return environment_.out; }
  std::ostream& err() const { return environment_.err; }
  bool is_json() const { return options_.output == OutputFormat::kJson; }
  /// Returns whether colour is wanted on out().
  bool has_color() const { return !options_.no_color && environment_.out_is_terminal; }
  const std::string& server() const { return options_.access.server; }
  const ServerAccess& access() const { return options_.access; }
  /// Returns a client that reaches a server in another way than client() does.
  std::unique_ptr<JobClient> ClientFor(const ServerAccess& access) const;

  /// Prints "distillctl: MESSAGE" to err() and returns the exit code for a failed call.
  ExitCode Fail(const Status& status) const;

  /// As Fail, for what is wrong on this side (a file that cannot be read): always `code`.
  ExitCode FailWith(ExitCode code, const std::string& message) const;

  /// Prints one line to err().
  void Note(const std::string& message) const;

  /// Returns `text` in the colour of a job's state, where colour is wanted.
  ColoredText Colored(v1::JobState state, const std::string& text) const;

  /// Returns limits that end a stream at the user's interrupt, and tell of re-connections.
  StreamLimits Limits() const;

 private:
  Environment& environment_;
  const CommonOptions options_;
  const JobClient client_;
};

}  // namespace distill::client
