#include "server/notify/hook_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

constexpr std::chrono::milliseconds kLookForStop{100};

// Releases what posix_spawn's attributes and actions hold.
struct SpawnSetup {
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  // The input from `input`, no output, no other file; a session of its own, no signal blocked.
  int Prepare(int input, const char* folder) {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    const std::array results = {
        ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO),
        ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0),
        ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO),
        ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1),
        ::posix_spawn_file_actions_addchdir_np(&actions, folder),
        ::posix_spawnattr_setsigmask(&attributes, &none),
        ::posix_spawnattr_setsigdefault(&attributes, &all),
        ::posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)};
    const auto* const failed =
        std::find_if(results.begin(), results.end(), [](int result) { return result != 0; });
    return failed == results.end() ? 0 : *failed;
  }

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

// A file in memory: however slowly the program reads, nobody waits for it.
Result<FileDescriptor> FileOf(const std::string& content) {
  FileDescriptor file(::memfd_create("notification", MFD_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus("make a file in memory", errno);
  DISTILL_RETURN_IF_ERROR(WriteAll(file.get(), content, "notification"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return ErrnoStatus("seek in memory", errno);
  return file;
}

class HookProgram final : public NotificationSender {
 public:
  explicit HookProgram(HookProgramOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "hook"; }

  Status Send(const std::string& json, const std::atomic<bool>& is_stopping) override {
    DISTILL_ASSIGN_OR_RETURN(const FileDescriptor input, FileOf(json));
    SpawnSetup setup;
    int error = setup.Prepare(input.get(), options_.working_directory.c_str());
    std::string program = options_.program.string();
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const std::array<char*, 2> arguments = {program.data(), nullptr};
    const std::array<char*, 2> environment = {path.data(), nullptr};
    pid_t pid = 0;
    if (error == 0) {
      error = ::posix_spawn(&pid, program.c_str(), &setup.actions, &setup.attributes,
                            arguments.data(), environment.data());
    }
    if (error != 0) {
      return {Code::kUnavailable, ErrnoStatus("start " + program, error).message()};
    }
    return Await(pid, is_stopping);
  }

 private:
  Status Await(pid_t pid, const std::atomic<bool>& is_stopping) const {
    const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
    bool has_ended = false;
    while (!has_ended && !is_stopping && std::chrono::steady_clock::now() < deadline) {
      pollfd end{process.get(), POLLIN, 0};
      ::poll(&end, 1, static_cast<int>(kLookForStop.count()));
      siginfo_t info{};
      has_ended =
          ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == pid;
    }
    // What it may have left behind goes too; its number is not given away before it is waited for.
    ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (!has_ended && is_stopping) return {Code::kCancelled, "the daemon stops"};
    if (!has_ended) {
      return {Code::kUnavailable,
              "the hook took longer than " + std::to_string(options_.timeout.count()) + " ms"};
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (WIFSIGNALED(status)) {
      return {Code::kUnavailable, "the hook died of signal " + std::to_string(WTERMSIG(status))};
    }
    return {Code::kUnavailable, "the hook ended with code " + std::to_string(WEXITSTATUS(status))};
  }

  const HookProgramOptions options_;
};

}  // namespace

std::unique_ptr<NotificationSender> CreateHookProgram(HookProgramOptions options) {
  return std::make_unique<HookProgram>(std::move(options));
}

}  // namespace distill::server
