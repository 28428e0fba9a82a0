#include "server/worker/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <sstream>
#include <thread>

namespace distill::server {
namespace {

constexpr char kPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What the child does between its birth and the program's start.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  int Prepare(const SpawnRequest& request) {
    constexpr mode_t kOwnerOnly = 0600;
    int error =
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0) {
      error =
          ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, request.output_file.c_str(),
                                             O_WRONLY | O_CREAT | O_APPEND, kOwnerOnly);
    }
    if (error == 0) {
      error = ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    }
    if (error == 0) {
      error = ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    }
    if (error == 0) {
      error = ::posix_spawn_file_actions_addchdir_np(&actions_, request.working_directory.c_str());
    }
    return error;
  }

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// A session of its own, no blocked signal, every signal as a fresh process has it.
class Attributes {
 public:
  Attributes() { ::posix_spawnattr_init(&attributes_); }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  int Prepare() {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    int error = ::posix_spawnattr_setsigmask(&attributes_, &none);
    if (error == 0) error = ::posix_spawnattr_setsigdefault(&attributes_, &all);
    if (error == 0) {
      error = ::posix_spawnattr_setflags(
          &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    return error;
  }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

// A file of /proc: no longer than a few pages, and gone at any moment.
std::optional<std::string> ReadProcFile(const std::filesystem::path& path) {
  constexpr uint64_t kMaxBytes = 1U << 20U;
  auto content = ReadFile(path, kMaxBytes);
  if (!content.ok()) return std::nullopt;
  return std::move(content).value();
}

struct ProcStat {
  bool is_zombie = false;
  int64_t start_ticks = 0;
};

// Reads /proc/PID/stat: "PID (NAME) STATE ...". The name may hold blanks and brackets; the state is
// field 3, the start time field 22.
std::optional<ProcStat> ReadProcStat(int pid) {
  const auto content = ReadProcFile("/proc/" + std::to_string(pid) + "/stat");
  if (!content) return std::nullopt;
  const size_t name_end = content->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(content->substr(name_end + 1));
  std::string state;
  fields >> state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  ProcStat stat;
  stat.is_zombie = state == "Z" || state == "X";
  if (!(fields >> stat.start_ticks)) return std::nullopt;
  return stat;
}

std::optional<WorkerProcess> LockHolder(const std::filesystem::path& run_directory) {
  const std::filesystem::path path = run_directory / "worker.lock";
  const FileDescriptor lock(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock.is_open() || ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  const auto content = ReadProcFile(path);
  if (!content) return std::nullopt;
  int pid = 0;
  std::from_chars(content->data(), content->data() + content->size(), pid);
  const auto ticks = StartTicks(pid);
  if (pid <= 0 || !ticks) return std::nullopt;
  return WorkerProcess{pid, *ticks};
}

Result<WorkerProcess> SpawnFromHere(const SpawnRequest& request) {
  std::vector<std::string> arguments = {request.executable.string()};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  std::vector<std::string> environment = {kPath};
  for (const auto& [name, value] : request.environment) environment.push_back(name + "=" + value);

  FileActions actions;
  Attributes attributes;
  int error = actions.Prepare(request);
  if (error == 0) error = attributes.Prepare();
  pid_t pid = 0;
  if (error == 0) {
    error = ::posix_spawn(&pid, request.executable.c_str(), actions.get(), attributes.get(),
                          Pointers(arguments).data(), Pointers(environment).data());
  }
  if (error != 0) {
    return Status(Code::kUnavailable,
                  ErrnoStatus("start " + request.executable.string(), error).message());
  }
  // Our child keeps its pid until it is reaped, even when it has ended already.
  const auto stat = ReadProcStat(pid);
  return WorkerProcess{pid, stat ? stat->start_ticks : 0};
}

}  // namespace

Result<WorkerProcess> Spawn(const SpawnRequest& request) {
  // Whom a process belongs to, and its umask, it has from the thread that starts it: this one is
  // made for it and changed before, since posix_spawn cannot change either.
  Result<WorkerProcess> started = Status(Code::kInternal, "not started");
  std::thread([&] {
    const Status status = BecomeWorkerThread(request.identity);
    started = status.ok() ? SpawnFromHere(request) : Result<WorkerProcess>(status);
  }).join();
  return started;
}

std::optional<int64_t> StartTicks(int pid) {
  const auto stat = ReadProcStat(pid);
  if (!stat || stat->is_zombie) return std::nullopt;
  return stat->start_ticks;
}

FileDescriptor OpenProcess(const WorkerProcess& process) {
  // The start time is checked after opening: from then on the descriptor names this process only.
  FileDescriptor descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  const auto stat = ReadProcStat(process.pid);
  if (!stat || stat->start_ticks != process.start_ticks) descriptor.Close();
  return descriptor;
}

void Signal(const WorkerProcess& process, int signal) {
  const FileDescriptor descriptor = OpenProcess(process);
  if (descriptor.is_open()) {
    ::syscall(SYS_pidfd_send_signal, descriptor.get(), signal, nullptr, 0);
  } else if (StartTicks(process.pid) == process.start_ticks) {
    ::kill(process.pid, signal);
  }
}

void KillGroup(const WorkerProcess& process) {
  if (process.pid > 1) ::kill(-process.pid, SIGKILL);
}

void KillGroupLeftIn(const std::filesystem::path& run_directory, const WorkerProcess& process) {
  if (process.pid <= 1) return;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    if (::getpgid(pid) != process.pid) continue;
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path() / "cwd", gone) != run_directory) continue;
    KillGroup(process);
    return;
  }
}

std::vector<RunningWorker> ListWorkers(const std::filesystem::path& program, uid_t user) {
  std::vector<RunningWorker> workers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) != 0 || info.st_uid != user) continue;
    const auto command = ReadProcFile(entry.path() / "cmdline");
    if (!command) continue;
    const size_t first_end = command->find('\0');
    if (first_end == std::string::npos) continue;
    const std::filesystem::path started = command->substr(0, first_end);
    const std::string argument = command->substr(first_end + 1).c_str();
    const auto ticks = StartTicks(pid);
    if (started.filename() != program.filename() || !ticks) continue;
    workers.push_back({{pid, *ticks}, argument});
  }
  return workers;
}

std::optional<WorkerProcess> FindProcessOf(const std::filesystem::path& run_directory,
                                           const std::filesystem::path& program, uid_t user) {
  // The lock last: to look at it is to hold it for a moment, which a worker that is just coming to
  // its own lock would take for another worker.
  for (const RunningWorker& worker : ListWorkers(program, user)) {
    // The worker leads its session; its children do not.
    const bool is_leader = ::getsid(worker.process.pid) == worker.process.pid;
    if (is_leader && worker.run_directory == run_directory) return worker.process;
  }
  return LockHolder(run_directory);
}

}  // namespace distill::server
