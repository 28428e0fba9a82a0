#include "server/worker/worker_identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

Status NoAccount(const std::string& name, const std::string& why) {
  return {Code::kFailedPrecondition, "worker_user " + why + ": " + name};
}

// Gives one file away, unless something else has taken its place, or it is linked from elsewhere.
Status GiveFile(const WorkerIdentity& identity, int folder, const char* name) {
  const FileDescriptor file(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0) return ErrnoStatus(name, errno);
  const bool is_ours = facts.st_uid == ::geteuid() && facts.st_nlink == 1;
  if (!S_ISREG(facts.st_mode) || !is_ours) return {};
  if (::fchownat(file.get(), "", identity.user, identity.group, AT_EMPTY_PATH) != 0) {
    return ErrnoStatus(std::string("give ") + name + " to the worker", errno);
  }
  return {};
}

}  // namespace

Result<std::optional<WorkerIdentity>> FindWorkerIdentity(const std::string& name) {
  if (name.empty()) return std::optional<WorkerIdentity>();
  constexpr size_t kBufferBytes = 1U << 16U;
  std::vector<char> buffer(kBufferBytes);
  passwd account{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &account, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return NoAccount(name, "must name an account of this machine");
  }
  if (account.pw_uid == ::geteuid()) return std::optional<WorkerIdentity>();
  if (::geteuid() != 0) {
    return NoAccount(name,
                     "needs a daemon that runs as root; leave it empty, workers run as the "
                     "daemon does");
  }
  WorkerIdentity identity;
  identity.user = account.pw_uid;
  identity.group = account.pw_gid;
  int count = 256;
  identity.groups.resize(static_cast<size_t>(count));
  if (::getgrouplist(name.c_str(), account.pw_gid, identity.groups.data(), &count) < 0) {
    return NoAccount(name, "is in too many groups");
  }
  identity.groups.resize(static_cast<size_t>(count));
  return std::optional<WorkerIdentity>(std::move(identity));
}

Status GiveFolderTo(const WorkerIdentity& identity, const std::filesystem::path& folder) {
  FileDescriptor descriptor(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!descriptor.is_open()) return ErrnoStatus("open " + folder.string(), errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(::dup(descriptor.get())),
                                                    &::closedir);
  if (!listing) return ErrnoStatus("list " + folder.string(), errno);
  while (const dirent* entry = ::readdir(listing.get())) {
    DISTILL_RETURN_IF_ERROR(GiveFile(identity, descriptor.get(), entry->d_name));
  }
  if (::fchown(descriptor.get(), identity.user, identity.group) != 0) {
    return ErrnoStatus("give " + folder.string() + " to the worker", errno);
  }
  return {};
}

Status OpenWayTo(const std::filesystem::path& folder,
                 const std::filesystem::path& state_directory) {
  const auto relative = folder.lexically_relative(state_directory);
  if (relative.empty() || *relative.begin() == "..") {
    return {Code::kInternal, "outside the state folder: " + folder.string()};
  }
  std::filesystem::path passed = state_directory;
  for (auto step = relative.begin(); passed != folder && step != relative.end(); ++step) {
    struct stat facts {};
    if (::stat(passed.c_str(), &facts) != 0 ||
        ::chmod(passed.c_str(), (facts.st_mode & 07777U) | S_IXGRP | S_IXOTH) != 0) {
      return ErrnoStatus("open the way through " + passed.string(), errno);
    }
    passed /= *step;
  }
  return {};
}

Status BecomeWorkerThread(const std::optional<WorkerIdentity>& identity) {
  // A umask of its own for this thread. Where a sandbox forbids that, the process's own holds,
  // which main sets to the same.
  if (::unshare(CLONE_FS) == 0) ::umask(S_IRWXG | S_IRWXO);
  if (!identity) return {};
  // The C library's functions of these names change all threads; the system calls only their
  // caller.
  if (::syscall(SYS_setgroups, identity->groups.size(), identity->groups.data()) != 0 ||
      ::syscall(SYS_setresgid, identity->group, identity->group, identity->group) != 0 ||
      ::syscall(SYS_setresuid, identity->user, identity->user, identity->user) != 0) {
    return ErrnoStatus("become the account of workers", errno);
  }
  return {};
}

}  // namespace distill::server
