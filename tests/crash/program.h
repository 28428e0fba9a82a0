#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "server/worker/process.h"

namespace distill::testing {

/// Waits until our child `pid` ends, a minute at most; then it is killed, and the test has failed.
/// Returns its exit code, or 128 + the signal that ended it.
int AwaitExit(pid_t pid);

/// Runs a program to its end, with DISTILL_FAULT=`fault` where that is not empty. What it prints is
/// appended to `output`. Returns as AwaitExit.
int RunProgram(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               const std::string& fault, const std::filesystem::path& output = "/dev/null");

/// The points of kFaultPoints whose name begins with one of `areas`.
std::vector<std::string> FaultPointsOf(const std::vector<std::string>& areas);

/// Returns the content of `file`, "" where there is none.
std::string ContentOf(const std::filesystem::path& file);

}  // namespace distill::testing
