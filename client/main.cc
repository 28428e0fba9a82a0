#include <grpc/support/log.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <termios.h>
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

// Reads a line from the terminal without showing it. An interrupt ends the program, with the
// terminal as it was.
std::string AskSecret(distill::client::Cancellation& interrupt, const std::string& prompt) {
  termios usual{};
  const bool is_terminal = tcgetattr(STDIN_FILENO, &usual) == 0;
  std::cerr << prompt << std::flush;
  if (is_terminal) {
    termios silent = usual;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  const distill::client::Cancellation::Registration registration(interrupt, [&usual, is_terminal] {
    if (is_terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
    _exit(static_cast<int>(distill::client::ExitCode::kInterrupted));
  });
  std::string line;
  std::getline(std::cin, line);
  if (is_terminal) tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
  std::cerr << std::endl;
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace distill::client;  // NOLINT(google-build-using-namespace): in main only
  // What gRPC would write by itself is in the errors of the calls too.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  Cancellation interrupt;
  const InterruptListener listener(interrupt);
  Environment environment{std::cout, std::cerr, std::cin, interrupt};
  environment.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  environment.err_is_terminal = isatty(STDERR_FILENO) != 0;
  environment.terminal_width = TerminalWidth();
  environment.variable = Variable;
  environment.now_unix_ms = NowUnixMs;
  if (isatty(STDIN_FILENO) != 0) {
    environment.ask_secret = [&interrupt](const std::string& prompt) {
      return AskSecret(interrupt, prompt);
    };
  }
  const ExitCode code = RunCommandLine({argv + 1, argv + argc}, environment);
  std::cout.flush();
  return static_cast<int>(std::cout ? code : ExitCode::kError);
}
