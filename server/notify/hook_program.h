#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "server/notify/notification_sender.h"

namespace distill::server {

struct HookProgramOptions {
  std::filesystem::path program;            // absolute
  std::filesystem::path working_directory;  // of the program
  std::chrono::milliseconds timeout{10'000};
};

/// Returns a sender that runs a program for each notification, with the JSON on its standard input,
/// no arguments, PATH as its whole environment, no open files of ours, and its output thrown away.
/// It is killed, with its children, when it takes too long. Send(): kUnavailable: it ended with
/// another code than 0, was killed, or could not be started.
std::unique_ptr<NotificationSender> CreateHookProgram(HookProgramOptions options);

}  // namespace distill::server
