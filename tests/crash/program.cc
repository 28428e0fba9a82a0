#include "tests/crash/program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "core/base/durable_file.h"
#include "core/base/fault_point.h"
#include "tests/eventually.h"

namespace distill::testing {

int AwaitExit(pid_t pid) {
  int status = 0;
  const bool is_gone =
      Eventually(std::chrono::seconds(60), [&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
  EXPECT_TRUE(is_gone) << "process " << pid << " does not end";
  if (!is_gone) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int RunProgram(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               const std::string& fault, const std::filesystem::path& output) {
  server::SpawnRequest request;
  request.executable = program;
  request.arguments = arguments;
  if (!fault.empty()) request.environment.emplace_back("DISTILL_FAULT", fault);
  request.working_directory = "/";
  request.output_file = output;
  const auto started = server::Spawn(request);
  EXPECT_TRUE(started.ok()) << started.status().ToString();
  return started.ok() ? AwaitExit(started->pid) : -1;
}

std::vector<std::string> FaultPointsOf(const std::vector<std::string>& areas) {
  std::vector<std::string> points;
  for (const std::string_view point : kFaultPoints) {
    const std::string area(point.substr(0, point.find('.')));
    if (std::count(areas.begin(), areas.end(), area) > 0) points.emplace_back(point);
  }
  return points;
}

std::string ContentOf(const std::filesystem::path& file) {
  const auto content = ReadFile(file);
  return content.ok() ? *content : "";
}

}  // namespace distill::testing
