#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "client/command_line/command_line.h"
#include "client/interrupt_listener.h"

namespace {

std::string AccountName() {
  const passwd* const account = getpwuid(geteuid());
  return account == nullptr ? "" : account->pw_name;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value != nullptr) return value;
  return std::string(name) == "USER" ? AccountName() : "";
}

int64_t NowUnixMs() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

size_t TerminalWidth() {
  constexpr size_t kUsual = 80;
  winsize size{};
  const bool is_known =
      ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  return is_known && size.ws_col > 0 ? size.ws_col : kUsual;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace distill::client;  // NOLINT(google-build-using-namespace): in main only
  Cancellation interrupt;
  const InterruptListener listener(interrupt);
  Environment environment{std::cout, std::cerr, std::cin, interrupt};
  environment.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  environment.err_is_terminal = isatty(STDERR_FILENO) != 0;
  environment.terminal_width = TerminalWidth();
  environment.variable = Variable;
  environment.now_unix_ms = NowUnixMs;
  const ExitCode code = RunCommandLine({argv + 1, argv + argc}, environment);
  std::cout.flush();
  return static_cast<int>(std::cout ? code : ExitCode::kError);
}
