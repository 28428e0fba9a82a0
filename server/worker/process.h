#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/status.h"
#include "server/job/worker_launcher.h"
#include "server/worker/worker_identity.h"

namespace distill::server {

struct SpawnRequest {
  std::filesystem::path executable;  // absolute
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::filesystem::path working_directory;
  std::filesystem::path output_file;         // standard output and error are appended to it
  std::optional<WorkerIdentity> identity{};  // whom it runs as; nothing = as this process
};

/// Starts a process in a session of its own, with nothing of ours but `request`: no descriptor, no
/// signal mask, no environment; what it makes is for its account only (umask 077).
/// kUnavailable: it could not be started. kPermissionDenied: not as this account.
Result<WorkerProcess> Spawn(const SpawnRequest& request);

/// Returns when the process with this pid started (field 22 of /proc/PID/stat), or nothing when
/// there is none, or only what is left of it until its parent looks (a zombie).
std::optional<int64_t> StartTicks(int pid);

/// Returns a descriptor that becomes readable when `process` ends, closed when the process is gone
/// or the kernel has no such thing (before Linux 5.3).
FileDescriptor OpenProcess(const WorkerProcess& process);

/// Sends a signal to `process`; nothing happens when it is gone.
void Signal(const WorkerProcess& process, int signal);

/// Sends SIGKILL to all of the group that `process` leads.
void KillGroup(const WorkerProcess& process);

/// A process that was started as a worker.
struct RunningWorker {
  WorkerProcess process;
  std::filesystem::path run_directory;  // its argument
};

/// Returns the processes of `user` of the same name as `program`, children of workers among them.
std::vector<RunningWorker> ListWorkers(const std::filesystem::path& program, uid_t user);

/// Sends SIGKILL to what is left of the group that `process` led, which is gone: the processes of
/// its group that work in `run_directory`. A group keeps its number as long as it has a process.
void KillGroupLeftIn(const std::filesystem::path& run_directory, const WorkerProcess& process);

/// Returns the process that works in `run_directory`: one of `user` and of the same name as
/// `program` that was started with the folder as its argument, else the one that holds its
/// worker.lock.
std::optional<WorkerProcess> FindProcessOf(const std::filesystem::path& run_directory,
                                           const std::filesystem::path& program, uid_t user);

}  // namespace distill::server
