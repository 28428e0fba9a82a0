#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "client/command_line/command_line.h"
#include "tests/unit/client/fake_server.h"

namespace distill::client {

// distillctl against a server of its own.
class CommandLineTest : public ::testing::Test {
 protected:
  // Runs distillctl against the fake server and returns its exit code.
  int Run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(in_);
    Environment environment{out, err, in, interrupt_};
    environment.variable = [this](const char* name) -> std::string {
      if (std::string(name) == "DISTILL_SERVER") return server_.address();
      return std::string(name) == "USER" ? "ada" : "";
    };
    environment.now_unix_ms = [] { return int64_t{1'700'000'000'000}; };
    environment.poll_interval = std::chrono::milliseconds(1);
    environment.first_backoff = std::chrono::milliseconds(1);
    const ExitCode code = RunCommandLine(arguments, environment);
    out_ = out.str();
    err_ = err.str();
    return static_cast<int>(code);
  }

  v1::Job& AddJob(const std::string& id, const std::string& name, v1::JobState state) {
    v1::Job job;
    job.set_id(id);
    job.set_name(name);
    job.set_state(state);
    server_.jobs.jobs[id] = job;
    return server_.jobs.jobs[name] = job;
  }

  const v1::TrainJob& CreatedTrain() const { return server_.jobs.created.back().job().train(); }

  testing::FakeServer server_;
  Cancellation interrupt_;
  std::string in_;
  std::string out_;
  std::string err_;
};

}  // namespace distill::client
