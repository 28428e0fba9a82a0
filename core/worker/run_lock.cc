#include "core/worker/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace distill::core {

Result<FileDescriptor> LockRunDirectory(const std::filesystem::path& run_directory) {
  const std::filesystem::path path = run_directory / "worker.lock";
  constexpr mode_t kOwnerOnly = 0600;
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!file.is_open()) return ErrnoStatus("open " + path.string(), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Status(Code::kFailedPrecondition, "another worker runs in " + run_directory.string());
  }
  if (::ftruncate(file.get(), 0) != 0) return ErrnoStatus("truncate " + path.string(), errno);
  DISTILL_RETURN_IF_ERROR(WriteAll(file.get(), std::to_string(::getpid()) + "\n", path));
  return file;
}

}  // namespace distill::core
