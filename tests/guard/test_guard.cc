// Clears up after a test that is killed: test_guard OWNER_PID FOLDER
//
// Goes into the background at once. When the owner is gone, it kills every process that works in
// FOLDER or was given a path in it, and removes FOLDER. It leaves when FOLDER is gone.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;

bool IsOf(const fs::path& process, const std::string& folder) {
  std::error_code error;
  if (fs::read_symlink(process / "cwd", error).string().rfind(folder, 0) == 0) return true;
  std::ostringstream command_line;
  command_line << std::ifstream(process / "cmdline", std::ios::binary).rdbuf();
  return command_line.str().find(folder) != std::string::npos;
}

// Returns whether there was one.
bool KillAllOf(const std::string& folder) {
  bool has_killed = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    if (pid == ::getpid() || !IsOf(entry.path(), folder)) continue;
    has_killed = ::kill(pid, SIGKILL) == 0 || has_killed;
  }
  return has_killed;
}

void Watch(int owner, const std::string& folder) {
  constexpr int kLookMs = 500;
  constexpr int kMaxRounds = 100;  // one that was just killed may be a zombie for a while
  std::error_code error;
  pollfd end{owner, POLLIN, 0};
  while (::poll(&end, 1, kLookMs) == 0) {
    if (!fs::exists(folder, error)) return;
  }
  for (int round = 0; round < kMaxRounds && KillAllOf(folder); ++round) ::poll(nullptr, 0, kLookMs);
  fs::remove_all(folder, error);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string text = argv[1];
  pid_t owner = 0;
  std::from_chars(text.data(), text.data() + text.size(), owner);
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, owner, 0));
  if (descriptor < 0) return 1;
  if (::fork() != 0) return 0;
  ::setsid();
  Watch(descriptor, argv[2]);
  return 0;
}
